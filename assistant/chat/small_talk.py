"""What no pattern recognised: a tool that a small model chooses, or free conversation with a larger one.

A model below a billion parameters says nothing in its own words: it states acts and files that there are none of. Loads
LangChain only when it talks.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.chat.events import Answer, Cancelled, Event, Token, ToolFinished, ToolProgress, ToolStarted
from assistant.chat.llm.engine import missing_for_chat
from assistant.chat.memory import Conversation
from assistant.chat.replies import CANNOT_HELP, without_model
from assistant.chat.router.route import UNDECIDED, Route
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from personalizer.errors import FamiliarError
from personalizer.schemas import Progress

if TYPE_CHECKING:
    from assistant.chat.llm.model import LocalChat

Emit = Callable[[Event], None]
HISTORY_TOKENS = 900
MAX_STEPS = 6
_TELLING = re.compile(
    r"^(?!.*\?\s*$).*\b(?:remember|note|know|fact|fyi|for your information|in mind)\b", re.IGNORECASE
)
"""A question, or a statement without one of these words, is nothing to keep."""
_log = logging.getLogger(__name__)


class SmallTalk:
    """Answers what no pattern recognised. Not for use from several threads at once, except `load_quietly`."""

    def __init__(
        self, familiar: Familiar, access: PhotoAccess, conversation: Conversation, model_path: Path | None
    ) -> None:
        self.model_path = model_path
        self._familiar = familiar
        self._access = access
        self._conversation = conversation
        self._model: LocalChat | None = None
        self._loading = threading.Lock()

    def load_quietly(self) -> None:
        """Load everything a free answer needs; what goes wrong is said when somebody asks."""
        try:
            if not self._loaded().talks_freely():
                return
            import langchain.agents  # noqa: F401 - takes more than a second the first time
        except FamiliarError as error:
            _log.info("the chat model is not ready: %s", error)

    def _loaded(self) -> LocalChat:
        with self._loading:
            if self._model is None:
                from assistant.chat.llm.model import LocalChat

                self._model = LocalChat(model_path=self.model_path)
            return self._model

    def answer(self, text: str, found: Route, stop: threading.Event, emit: Emit) -> None:
        """Call a tool when the words hint at one; talk where the model is large enough. Emits events up to the last."""
        missing = missing_for_chat(self.model_path)
        if missing is not None:
            # The model that comes with the program would not talk freely either.
            words = CANNOT_HELP if self.model_path is None else without_model(missing.found, missing.fix)
            emit(Answer(words))
            return
        from langsmith import tracing_context

        # Whatever the environment says: nothing of a conversation leaves this machine.
        with tracing_context(enabled=False):
            if self._loaded().talks_freely():
                self._talk(text, found, stop, emit)
            else:
                self._choose(text, found, stop, emit)

    def _choose(self, text: str, found: Route, stop: threading.Event, emit: Emit) -> None:
        """Run the tool that the model chooses among those that the words leave open, or say what can be done."""
        from langchain_core.messages import HumanMessage

        tools = self.tools(text, found, stop, emit)
        call = self._loaded().choose_tool([HumanMessage(text)], tools) if tools else None
        if stop.is_set():
            emit(Cancelled())
            return
        if call is None:
            emit(Answer(CANNOT_HELP))
            return
        name, arguments = call
        emit(ToolStarted(name, _title(name)))
        tool = next(tool for tool in tools if tool.name == name)
        result = tool.invoke({"type": "tool_call", "id": name, "name": name, "args": arguments})
        emit(ToolFinished(result.text, result.artifact))
        emit(Answer(result.text))

    def _talk(self, text: str, found: Route, stop: threading.Event, emit: Emit) -> None:
        from langchain.agents import create_agent
        from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage

        model = self._loaded()
        model.should_stop = stop.is_set
        agent = create_agent(model, self.tools(text, found, stop, emit), system_prompt=self._instructions())
        history = self._conversation.window(HISTORY_TOKENS, model.count_tokens)
        messages: list[Any] = [{"role": turn.role, "content": turn.text} for turn in history]
        words, result = "", None
        for mode, part in agent.stream(
            {"messages": [*messages, HumanMessage(text)]},
            {"recursion_limit": MAX_STEPS},
            stream_mode=["messages", "updates"],
        ):
            if stop.is_set():
                break
            if mode == "messages" and isinstance(part[0], AIMessageChunk):
                if part[0].text:
                    words += part[0].text
                    emit(Token(part[0].text))
            elif mode == "updates":
                for message in _messages(part):
                    for call in getattr(message, "tool_calls", None) or []:
                        emit(ToolStarted(call["name"], _title(call["name"])))
                    if isinstance(message, ToolMessage):
                        result = message
        if stop.is_set():
            emit(Cancelled())
            return
        if result is not None:
            emit(ToolFinished(result.text, result.artifact))
            words = result.text
        words = words.strip() or "I have no answer to that."
        if result is None:
            self._conversation.add(text, words)
        emit(Answer(words))

    def tools(self, text: str, found: Route, stop: threading.Event, emit: Emit) -> list[Any]:
        """The tools that the words leave open.

        Chatter gets none: a small model calls whatever it is given.
        """
        if found.confidence > UNDECIDED:
            return []
        wanted = set()
        if "concept" in found.slots:
            wanted |= {"imagine", "list_concepts"}
        if "concept" in found.slots and _TELLING.search(text):
            wanted.add("remember")
        if self._access.named and "concept" in found.slots:
            wanted.add("describe")
        if not wanted:
            return []
        from assistant.tools.build import build_tools

        def show(progress: Progress) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            emit(ToolProgress(progress))

        tools = build_tools(self._familiar, self._access, show, request=text)
        return [tool for tool in tools if tool.name in wanted]

    def _instructions(self) -> str:
        names = self._familiar.library.names()[:20]
        known = f" You know {', '.join(names)} from the user's photos." if names else ""
        return (
            "You are Familiar, a friendly assistant on the user's own computer that knows their photos."
            f"{known} You describe photos and draw pictures. Answer in one or two short sentences."
        )


def _title(tool: str) -> str:
    titles = {"describe": "Looking at the photo", "imagine": "Drawing", "remember": "Remembering that"}
    return titles.get(tool, "Looking up whom I know")


def _messages(update: Any) -> list[Any]:
    found: list[Any] = []
    for state in update.values() if isinstance(update, dict) else []:
        if isinstance(state, dict):
            found += state.get("messages") or []
    return found
