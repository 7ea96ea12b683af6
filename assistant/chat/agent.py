"""Answers requests: patterns decide first, a small local model does the rest; yields typed events.

Knows the façade, the router and the tools; knows no screen. LangChain and the model's engine are loaded in
the background and only when they are needed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.chat.actions import Action, Actions
from assistant.chat.events import (
    Answer,
    Cancelled,
    Event,
    Failed,
    Quit,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from assistant.chat.llm.engine import missing_for_chat
from assistant.chat.memory import Conversation
from assistant.chat.questions import MOST_GROUPS, IsThis, MayLookForFaces, Pending, WhoIsThis
from assistant.chat.replies import clarification
from assistant.chat.router.route import UNDECIDED, Route, route
from assistant.chat.slash_commands import help_text, is_command, parse_command
from assistant.chat.small_talk import SmallTalk
from assistant.chat.told_answer import told_answer
from assistant.daemon.code_version import CodeWatch
from assistant.language.parse import Request, parse
from assistant.presentation.description_lines import why_lines
from assistant.presentation.replies import before_forgetting, not_forgotten
from assistant.presentation.suggestion_lines import suggestion_lines
from assistant.results import Description
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from personalizer.concepts.name_mentions import NameMentions
from personalizer.errors import FamiliarError, JobCancelled, UsageError
from personalizer.names import name_key
from personalizer.schemas import Progress, ScanReport

Emit = Callable[[Event], None]
_AGAIN = frozenset(
    [
        "again",
        "another",
        "another one",
        "one more",
        "more",
        "once more",
        "try again",
        "do it again",
        "do another",
    ]
)


UPDATED = Failed(
    "answering in a chat that was open before Familiar was updated",
    "the installed version is another one by now",
    "Close the chat (/quit) and open it again: nothing is lost.",
)


class RequestCancelledError(KeyboardInterrupt):
    """The user stopped the request.

    A KeyboardInterrupt, because that is what makes waiting for a job cancel the job.
    """


class Assistant:
    """One conversation over one library.

    Requests are answered one after another in a thread of its own, so that a front end stays responsive;
    `respond` may be called from any thread.
    """

    def __init__(self, familiar: Familiar, model_path: Path | None = None, *, asks: bool = True) -> None:
        """`asks`: somebody is there who can be asked."""
        self.familiar = familiar
        self._asks = asks
        self.conversation = Conversation()
        self.access = PhotoAccess(familiar)
        self._actions = Actions(familiar, self.access)
        self.talk = SmallTalk(familiar, self.access, self.conversation, model_path)
        self.tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.Lock()
        self.code = CodeWatch()

    def warm_up(self) -> None:
        """Load LangChain and the model in the background, so that the first answer need not wait for them."""
        if missing_for_chat(self.talk.model_path) is None:
            threading.Thread(target=self.talk.load_quietly, name="chat-warm-up", daemon=True).start()

    def respond(self, text: str, cancelled: threading.Event | None = None) -> Iterator[Event]:
        """What happens while `text` is answered; ends with `Answer`, `Question`, `Failed`, `Cancelled` or `Quit`.

        Setting `cancelled` stops the request: at once for the caller, as soon as it can for what was running.
        """
        stop = cancelled or threading.Event()
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

        def task() -> None:
            try:
                self._respond(text, stop, events.put)
            finally:
                events.put(None)

        self._submit(task)
        while True:
            try:
                event = events.get(timeout=0.05)
            except queue.Empty:
                if stop.is_set():
                    yield Cancelled()
                    return
                self._ensure_working()
                continue
            if event is None:
                return
            yield event
            if isinstance(event, Cancelled):
                return

    def _submit(self, task: Callable[[], None]) -> None:
        self.tasks.put(task)
        self._ensure_working()

    def _ensure_working(self) -> None:
        """Start the thread that answers; again, should it have ended: requests would wait for it for ever."""
        with self._thread_lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="assistant", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            self.tasks.get()()

    def _respond(self, text: str, stop: threading.Event, emit: Emit) -> None:
        if stop.is_set():
            # Stopped while it waited behind another request: nothing of it may be done any more.
            emit(Cancelled())
            return
        if self.code.outdated() and not is_command(text):
            # What is not imported yet would be of the other version.
            emit(UPDATED)
            return

        def tell(event: Event) -> None:
            # Whether a pattern or a model chose the tool, "/why" is about what it answered.
            if isinstance(event, ToolFinished) and isinstance(event.artifact, Description):
                self.conversation.last_description = event.artifact
            emit(event)

        try:
            if is_command(text):
                self._command(text, stop, tell)
            elif not self._is_answer(text, stop, tell):
                self._request(text, stop, tell)
        except (KeyboardInterrupt, JobCancelled):
            emit(Cancelled())
        except FamiliarError as error:
            emit(Failed.from_error(error, text))
        except BaseException as error:
            # Not even a SystemExit from a library may end the thread that later requests wait for.
            emit(Failed.from_error(error, f"answering {text!r}"))

    # --- slash commands

    def _command(self, text: str, stop: threading.Event, emit: Emit) -> None:
        # Only what comes right after a question can be its answer.
        self.conversation.waiting = self.conversation.question = None
        command, arguments = parse_command(text)
        if command.name == "/quit":
            emit(Quit())
        elif command.name == "/help":
            emit(Answer(help_text()))
        elif command.name == "/why":
            emit(Answer(why_lines(self.conversation.last_description)))
        elif command.name == "/clear":
            self.conversation.clear()
            emit(Answer("A new conversation."))
        elif command.name == "/forget":
            self._ask_to_forget(arguments, emit)
        elif command.name == "/suggestions" and self._asks:
            self._ask_about_suggestions(arguments or None, emit)
        else:
            self._act(self._actions.of_command(command.name, arguments), stop, emit, text)

    # --- requests in words

    def _request(self, text: str, stop: threading.Event, emit: Emit) -> None:
        asked = self._asked_to_forget()
        if asked is not None and name_key(text) == name_key(asked):
            self._forget(asked, text, stop, emit)
            return
        names = self.familiar.library.names()
        request = parse(text, names)
        found = self._in_context(route(request), request, names)
        self.conversation.waiting = None
        action = self._action(found)
        if action is not None:
            self.conversation.last_route = found
            self._act(action, stop, emit, text)
            return
        told = self._told(found, request)
        if found.intent == "forget":
            self._ask_to_forget(found.slots["concept"], emit)
        elif asked is not None and found.intent in ("chat", "clarify"):
            emit(Answer(not_forgotten(asked)))
        elif told is not None:
            emit(Answer(told))
        elif found.intent == "clarify":
            self.conversation.waiting = found
            emit(Answer(clarification(found)))
        else:
            self.talk.answer(text, found, stop, emit)

    def _in_context(self, found: Route, request: Request, names: Sequence[str]) -> Route:
        """The same route, completed by what was said before."""
        text = request.text
        waiting, photos = self.conversation.waiting, self.conversation.last_photos
        if found.intent == "clarify" and found.slots.get("missing") == "photo" and photos:
            again = route(request, [str(photo) for photo in photos])
            return replace(again, source="context")
        if waiting is None:
            if found.intent == "chat" and _asks_again(text) and self.conversation.last_route is not None:
                last = self.conversation.last_route
                if last.intent == "imagine":
                    slots = {key: value for key, value in last.slots.items() if key != "seed"}
                    return replace(last, slots=slots, source="context", elapsed_ms=found.elapsed_ms)
            return found
        wanted, missing = waiting.slots.get("wanted"), waiting.slots.get("missing")
        if wanted == "describe" and found.intent == "describe" and "question" not in found.slots:
            slots = {**waiting.slots, **found.slots}
            return replace(found, slots=slots, source="context", words=waiting.words)
        if wanted == "remember" and "concept" in found.slots and found.intent in ("chat", "list_concepts"):
            slots = {"concept": found.slots["concept"], "text": waiting.slots["text"]}
            return replace(found, intent="remember", slots=slots, source="context")
        if wanted == "forget" and name_key(text) in map(name_key, names):
            return replace(found, intent="forget", slots={"concept": text}, source="context")
        if missing == "prompt" and found.intent == "chat" and found.confidence <= UNDECIDED:
            slots = {**found.slots, "prompt": text}
            return replace(found, intent="imagine", slots=slots, source="context", words=request)
        return found

    def _told(self, found: Route, request: Request) -> str | None:
        """The user's own words on a question about someone or something named, where no photo is needed."""
        photos_were_named = bool(self.conversation.last_photos)
        return told_answer(
            found,
            request,
            lambda name: self.familiar.profile(name).facts,
            photos_were_named=photos_were_named,
        )

    def _action(self, found: Route) -> Action | None:
        slots = found.slots
        match found.intent:
            case "describe":
                self.access.allow(slots.get("photos", []))
                return self._actions.describe(slots["photo"], found.words)
            case "imagine":
                return self._actions.imagine(
                    found.words or slots["prompt"], slots.get("count", 1), slots.get("seed")
                )
            case "find":
                return self._actions.find(slots["query"])
            case "list_concepts":
                return self._actions.list_concepts(slots.get("concept"))
            case "remember":
                return self._actions.remember(slots["concept"], slots["text"])
            case "name_concept" if "id" in slots:
                return self._actions.name(slots["id"], slots["name"])
            case "name_concept" if "photo" in slots:
                photos = slots.get("photos", [slots["photo"]])
                return self._actions.learn(slots.get("name") or slots["concept"], photos)
            case "name_concept":
                return self._actions.rename(slots["concept"], slots["name"])
            case _:
                return None

    # --- forgetting

    def _ask_to_forget(self, name: str, emit: Emit) -> None:
        """Ask for the name again: nothing else makes anyone forgotten, whatever a model says."""
        if not name:
            raise UsageError(tried="/forget", found="no name", fix="/forget NAME, such as /forget Bo")
        concept = self.familiar.concept(name)
        known_as = concept.name or str(concept.id)
        emit(Answer(before_forgetting(known_as)))
        self.conversation.waiting = Route("forget", {"concept": known_as})

    def _asked_to_forget(self) -> str | None:
        """Whose name the user was asked to type again, if that was the last thing said."""
        waiting = self.conversation.waiting
        return str(waiting.slots["concept"]) if waiting is not None and waiting.intent == "forget" else None

    def _forget(self, name: str, text: str, stop: threading.Event, emit: Emit) -> None:
        self.conversation.waiting = None
        self._act(self._actions.forget(name, text), stop, emit, text)
        self.conversation.forget(NameMentions([name]))

    # --- questions

    def _is_answer(self, text: str, stop: threading.Event, emit: Emit) -> bool:
        """Whether `text` answered the question that stood; then that was dealt with."""
        question, self.conversation.question = self.conversation.question, None
        reply = None if question is None else question.answer(self.familiar, text)
        if reply is None:
            return False
        self.conversation.waiting = None
        if reply.said:
            emit(ToolFinished(reply.said, None))
        if reply.request is not None:
            act = self._command if is_command(reply.request) else self._request
            act(reply.request, stop, emit)
        elif reply.then is not None:
            self._ask(reply.then, emit)
        else:
            emit(Answer(reply.said or "That was all."))
        return True

    def _ask(self, question: Pending, emit: Emit) -> None:
        self.conversation.question = question
        emit(question.ask())

    def _ask_about_suggestions(self, name: str | None, emit: Emit) -> None:
        found = self.familiar.suggestions(name)
        if found:
            self._ask(IsThis(tuple(found)), emit)
        else:
            emit(Answer(suggestion_lines(found)))

    def is_request(self, text: str) -> bool:
        """Whether words that could be a name are something to do."""
        names = self.familiar.library.names()
        if name_key(text) in map(name_key, names):
            return False
        found = route(parse(text, names))
        return found.intent != "chat" or found.confidence > UNDECIDED

    def _act(self, action: Action, stop: threading.Event, emit: Emit, request: str) -> None:
        looks = action.tool in ("scan", "learn")
        if looks and self._asks and not self.familiar.library.was_asked_about_faces():
            self._ask(MayLookForFaces(request, str(self.familiar.home.root)), emit)
            return
        emit(ToolStarted(action.tool, action.title))

        def show(progress: Progress) -> None:
            if stop.is_set():
                raise RequestCancelledError
            emit(ToolProgress(progress))

        words, artifact = action.run(show)
        if action.photos:
            self.conversation.last_photos = action.photos
        emit(ToolFinished(words, artifact))
        groups = self.familiar.largest_unnamed(MOST_GROUPS) if self._found_new(artifact) else []
        if groups:
            self._ask(WhoIsThis(tuple(groups), self.is_request), emit)
        else:
            emit(Answer(words))

    def _found_new(self, artifact: Any) -> bool:
        return self._asks and isinstance(artifact, ScanReport) and bool(artifact.new)


def _asks_again(text: str) -> bool:
    words = text.lower().strip(" .!?,")
    for courtesy in ("please ", "ok ", "okay ", "and ", "now "):
        words = words.removeprefix(courtesy)
    return words.removesuffix(" please") in _AGAIN
