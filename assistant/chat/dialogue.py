"""Handles one request, a command, an answer to a question, or words for the router, and emits typed events.

The router chooses the tool, the tool acts, and the program reports the result. A language model is used only if the
user provided one that is large enough, and only for requests that no tool answers. Knows no screen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.chat.actions import Action, Actions
from assistant.chat.context import in_context
from assistant.chat.doubts import Doubts
from assistant.chat.events import Answer, Event, Quit, ToolFinished, ToolProgress, ToolStarted
from assistant.chat.free_talk import FreeTalk
from assistant.chat.history.chat_commands import CHAT_COMMANDS, chat_command
from assistant.chat.history.recorder import Recorder
from assistant.chat.memory import Conversation
from assistant.chat.program_answers import program_answer, small_talk
from assistant.chat.questions import (
    MOST_GROUPS,
    Approving,
    IsThis,
    MayKeepChats,
    MayLookForFaces,
    MayOpen,
    Pending,
    ShallI,
    WhoIsThis,
)
from assistant.chat.replies import clarification
from assistant.chat.router.route import MAX_CHARACTERS, UNDECIDED, Route, route
from assistant.chat.slash_commands import help_text, in_chat, is_command, parse_command
from assistant.chat.told_answer import told_answer
from assistant.language.parse import Request, parse
from assistant.presentation.description_lines import why_lines
from assistant.presentation.replies import before_forgetting, not_forgotten
from assistant.results import Description, FoundPhotos, Imagined
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess, is_there
from assistant.tools.approvals import CHANGING, Approvals
from personalizer.concepts.name_mentions import NameMentions
from personalizer.errors import UsageError
from personalizer.names import name_key
from personalizer.schemas import Progress, ScanReport

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Emit = Callable[[Event], None]


class RequestCancelledError(KeyboardInterrupt):
    """The user stopped the request.

    A KeyboardInterrupt, because that is what makes waiting for a job cancel the job.
    """


class Dialogue:
    """Handles the requests of one conversation. For one thread at a time."""

    def __init__(
        self,
        familiar: Familiar,
        conversation: Conversation,
        recorder: Recorder,
        model: Path | BaseChatModel | None,
        *,
        asks: bool,
    ) -> None:
        self.familiar = familiar
        self.conversation = conversation
        self._recorder = recorder
        self._asks = asks
        self._asked_about_chats = False
        self.approving = Approving()
        approvals = Approvals(self.approving.ask if asks else None, familiar)
        self.access = PhotoAccess(familiar, approvals)
        self._actions = Actions(familiar, self.access)
        self._doubts = Doubts(familiar, conversation)
        self.talk = FreeTalk(familiar, self.access, conversation, model, approvals)

    def answer(self, text: str, stop: threading.Event, emit: Emit) -> None:
        """Answer one request; `emit` gets what happens, `stop` is asked whether to go on. Raises FamiliarError."""

        def tell(event: Event) -> None:
            # Whether a rule or a model chose the tool, "/why" and "it" are about what it answered.
            if isinstance(event, ToolFinished):
                self._note(event.artifact)
            if isinstance(event, ToolFinished) or (isinstance(event, Answer) and event.by_model is None):
                event = replace(event, text=in_chat(event.text))
            emit(event)
            if isinstance(event, Answer) and self._may_ask_about_chats(text):
                self._ask(MayKeepChats(), emit)

        if len(text) > MAX_CHARACTERS:
            raise UsageError(
                tried="reading your message",
                found=f"it has {len(text):,} characters",
                fix=f"Say it in at most {MAX_CHARACTERS:,}: nothing of it was done.",
            )
        self.approving.emit, self.approving.stop = tell, stop
        said = self.conversation
        said.changed_before, said.changed_now = said.changed_now, False
        if is_command(text):
            self._command(text, stop, tell)
        elif not self._is_answer(text, stop, tell):
            self._request(text, stop, tell)

    def _may_ask_about_chats(self, text: str) -> bool:
        """Once, behind the first answer: it must not stand in the way of one."""
        if not self._asks or self._asked_about_chats or is_command(text):
            return False
        self._asked_about_chats = True
        return self.conversation.waiting is None and not self.familiar.library.was_asked_about_chats()

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
        elif command.name in CHAT_COMMANDS:
            words, artifact = chat_command(
                command.name, arguments, self.familiar, self._recorder, self.conversation
            )
            emit(ToolFinished(words, artifact))
            emit(Answer(words))
        elif command.name == "/clear":
            self.conversation.clear()
            self._recorder.new_chat()
            emit(Answer("A new conversation."))
        elif command.name == "/forget":
            self._ask_to_forget(arguments, emit)
        elif command.name == "/suggestions":
            self._suggestions(arguments or None, text, stop, emit)
        else:
            self._act(self._actions.of_command(command.name, arguments), stop, emit, text)

    # --- requests in words

    def _request(self, text: str, stop: threading.Event, emit: Emit) -> None:
        asked = self._asked_to_forget()
        if asked is not None and name_key(text) == name_key(asked):
            self._forget(asked, text, stop, emit)
            return
        names = self.familiar.library.names()
        found, request = in_context(parse(text, names), self.conversation, names)
        self.conversation.waiting = None
        if found.intent == "split" and "photo" not in found.slots:
            # All of it cannot be somebody else.
            found = replace(
                found, intent="clarify", slots={**found.slots, "wanted": "split", "missing": "photo"}
            )
        told = None if asked is not None and request.is_only_name else self._told(found, request)
        outside = self._outside(found)
        if told is not None:
            emit(Answer(told))
        elif outside:
            self._ask(MayOpen(outside, found), emit)
        elif found.intent == "forget":
            self._ask_to_forget(found.slots["concept"], emit)
        elif asked is not None and (found.intent in ("chat", "clarify") or request.is_only_name):
            emit(Answer(not_forgotten(asked)))
        elif self._asks and (doubt := self._doubts.about(found)) is not None:
            self._ask(ShallI(doubt, found), emit)
        else:
            self._carry_out(text, found, stop, emit)
        self.conversation.last_name = found.slots.get("concept") or self.conversation.last_name

    def _carry_out(self, text: str, found: Route, stop: threading.Event, emit: Emit) -> None:
        """Do what a complete route says, or say what is missing."""
        action = self._actions.of_route(found)
        if action is not None:
            self.conversation.last_route = found
            self._act(action, stop, emit, text)
            self.conversation.changed_now = found.intent in CHANGING
        elif found.intent == "help" and found.slots["topic"] == "quit":
            emit(Quit())
        elif found.intent == "help" and found.slots["topic"] == "why":
            emit(Answer(why_lines(self.conversation.last_description)))
        elif found.intent == "help" and found.slots["topic"] == "suggestions":
            self._suggestions(None, text, stop, emit)
        elif found.intent == "help":
            emit(Answer(program_answer(found.slots["topic"], self.familiar)))
        elif found.intent == "clarify":
            self.conversation.waiting = found
            emit(Answer(clarification(found)))
        elif not self.talk.answer(text, stop, emit):
            names = self.familiar.library.names()
            emit(Answer(small_talk(text, names, changed=self.conversation.changed_before)))

    def _told(self, found: Route, request: Request) -> str | None:
        """The user's own words on a question about someone or something named, where no photo is needed."""
        photos_were_named = bool(self.conversation.last_photos)
        return told_answer(
            found,
            request,
            lambda name: self.familiar.profile(name).facts,
            photos_were_named=photos_were_named,
        )

    def _outside(self, found: Route) -> tuple[Path, ...]:
        """Photos of a route that are in no registered folder and may not be looked at yet."""
        if not self._asks or found.intent not in ("describe", "name_concept") or "photo" not in found.slots:
            return ()
        named = found.slots.get("photos", [found.slots["photo"]])
        return tuple(
            path for photo in named if (path := self.access.outside(photo)) is not None and is_there(path)
        )

    def _note(self, artifact: Any) -> None:
        """What a following "it" means."""
        if isinstance(artifact, Description):
            self.conversation.last_description = artifact
            seen = [concept.name for concept in artifact.concepts if concept.verdict == "yes"]
            self.conversation.last_name = seen[0] if len(seen) == 1 else self.conversation.last_name
        elif isinstance(artifact, Imagined) and artifact.paths:
            self.conversation.last_photos = tuple(self.access.allow(artifact.paths[:1]))
            self.conversation.last_seed = artifact.seed
        elif isinstance(artifact, FoundPhotos):
            self.conversation.found_photos = tuple(photo.path for photo in artifact.photos)
            if len(artifact.photos) == 1:
                self.conversation.last_photos = self.conversation.found_photos

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
        self._doubts.somebody_was_forgotten()
        self._recorder.forget(NameMentions([name]))

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
        self.access.open_all = self.access.open_all or reply.opens_all
        self.access.allow(reply.opened)
        if reply.go is not None:
            self._carry_out(text, reply.go, stop, emit)
        elif reply.request is not None:
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

    def _suggestions(self, name: str | None, text: str, stop: threading.Event, emit: Emit) -> None:
        """Ask about the photos that may show somebody, one by one; list them where nobody is there who can be asked."""
        found = self.familiar.suggestions(name) if self._asks else []
        if found:
            self._ask(IsThis(tuple(found)), emit)
        else:
            self._act(self._actions.suggestions(name), stop, emit, text)

    def is_request(self, text: str) -> bool:
        """Whether words that could be a name are something to do."""
        names = self.familiar.library.names()
        if name_key(text) in map(name_key, names):
            return False
        found = route(parse(text, names))
        return found.intent != "chat" or found.confidence > UNDECIDED

    def _act(self, action: Action, stop: threading.Event, emit: Emit, request: str) -> None:
        looks = action.tool in ("scan", "learn") and action.looks_at_photos
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
