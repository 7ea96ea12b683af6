"""Questions of the chat to the user, one at a time, and the effects of the answers. Knows the façade; no screen.

A question is pending until the next request; a request that does not answer it is handled as usual.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from assistant.chat.events import Event, NeedsApproval, Question
from assistant.chat.router.route import Route
from assistant.presentation.chat_lines import QUESTION
from assistant.presentation.printable import short_path
from assistant.presentation.suggestion_lines import is_this, who_is_this
from assistant.results import Suggestion, UnnamedGroup
from assistant.service.familiar import Familiar
from assistant.setup.consent import question_about_faces
from assistant.tools.approvals import ApprovalAnswer, ApprovalRequest
from personalizer.errors import FamiliarError, counted

MOST_GROUPS = 8
"""Groups that are asked about after a scan; /concepts has all."""
SKIP = "skip"
"""What Enter alone stands for."""
_YES = frozenset({"y", "yes", "yep", "yeah", "sure", "ok", "okay", "ja", "sí", "si", "do it", "go ahead"})
_NO = frozenset({"n", "no", "nope", "nein", "don't", "never"})
_SKIP = frozenset({"s", SKIP, "next", "don't know", "i don't know", "maybe", "not sure", "dunno", "pass", ""})
_NOBODY = _SKIP | _NO | {"nobody", "no idea", "unknown", "?", "no one"}
_NO_NAMES = (
    frozenset({"hello", "hi", "hey", "thanks", "thank you", "ok", "okay", "help", "good morning"}) | _YES
)
_ENOUGH = frozenset({"q", "quit", "stop", "later", "enough", "cancel"})
_COURTESY = re.compile(
    r"[ ,]+(?:please|pls|bitte|por favor|thanks|thank you|danke|gracias|do|sure|of course)$"
)
_NAME = re.compile(
    r"(?:(?:this|that|it) is |(?:this|that|it)'s |call (?:her|him|it) )?([^?/]{1,40})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of an answer."""

    said: str = ""
    """What was done, in words; empty where nothing was."""
    then: Pending | None = None
    """The next question."""
    request: str | None = None
    """The request that waited for the answer."""
    go: Route | None = None
    """What may be done now."""
    opened: tuple[Path, ...] = ()
    """Photos that may be looked at now."""
    opens_all: bool = False
    """Photos outside the folders need not be asked about any more in this chat."""


class Pending(Protocol):
    """A pending question."""

    def ask(self) -> Question: ...

    def answer(self, familiar: Familiar, text: str) -> Reply | None:
        """None where `text` is no answer."""


@dataclass(frozen=True, slots=True)
class MayLookForFaces:
    """Asked once, before the first request that looks at photos."""

    request: str
    home: str

    def ask(self) -> Question:
        return Question(question_about_faces(self.home))

    def answer(self, familiar: Familiar, text: str) -> Reply | None:
        word = _word(text)
        if word in _SKIP:
            return Reply(then=self)
        if word not in _YES | _NO:
            return None
        familiar.library.switch_faces(word in _YES)
        said = "" if word in _YES else "Faces are left alone. To change that: familiar faces on"
        return Reply(said, request=self.request)


@dataclass(frozen=True, slots=True)
class ShallI:
    """Asked before a change that only the router's sentence embeddings understood."""

    what: str
    """Such as "train Bo"."""
    route: Route

    def ask(self) -> Question:
        return Question(f"Shall I {self.what}? (y / n)")

    def answer(self, familiar: Familiar, text: str) -> Reply | None:
        word = _word(text)
        if word in _YES:
            return Reply(go=self.route)
        return Reply("Then I leave it: nothing was done.") if word in _NO | _SKIP | _ENOUGH else None


@dataclass(frozen=True, slots=True)
class MayOpen:
    """Asked before photos outside the registered folders are looked at."""

    photos: tuple[Path, ...]
    route: Route

    def ask(self) -> Question:
        first, more = short_path(self.photos[0]), len(self.photos) - 1
        which = f"{first} and {counted(more, 'other photo')} are" if more else f"{first} is"
        return Question(f"{which} in none of your folders. May I look? (y / n / all: all in this chat)")

    def answer(self, familiar: Familiar, text: str) -> Reply | None:
        word = _word(text)
        if word in _YES or word == "all":
            return Reply(go=self.route, opened=self.photos, opens_all=word == "all")
        return Reply("Then I leave it: I opened nothing.") if word in _NO | _SKIP | _ENOUGH else None


@dataclass(frozen=True, slots=True)
class MayKeepChats:
    """Asked once in interactive sessions; until then no chat is stored."""

    request: str | None = None
    """What waits for the answer, if anything does."""

    def ask(self) -> Question:
        return Question(QUESTION)

    def answer(self, familiar: Familiar, text: str) -> Reply | None:
        word = _word(text)
        if word in _SKIP:
            return Reply(then=self)
        if word not in _YES | _NO:
            return None
        familiar.switch_chats(word in _YES)
        said = (
            "Chats are kept from now on, in your library only. /private keeps one out."
            if word in _YES
            else "Chats are not kept. To change that: familiar chats on"
        )
        return Reply(said, request=self.request)


@dataclass(frozen=True, slots=True)
class WhoIsThis:
    """Asked about the first of these groups."""

    groups: tuple[UnnamedGroup, ...]
    is_request: Callable[[str], bool]
    """Whether words that could be a name are something to do."""

    def ask(self) -> Question:
        group = self.groups[0]
        caption = f"number {group.id}"
        return Question(who_is_this(group), group.photo, group.box, caption)

    def answer(self, familiar: Familiar, text: str) -> Reply | None:
        word = _word(text)
        if word in _ENOUGH:
            return Reply("As you like. /concepts lists them, and /name ID NAME names one.")
        if word in _NOBODY:
            return Reply(then=self._next(familiar))
        match = _NAME.fullmatch(text.strip().rstrip(".!"))
        if (
            match is None
            or word in _NO_NAMES
            or len(match[1].split()) > 4
            or self.is_request(match[1].strip())
        ):
            return None
        try:
            said = name_or_join(familiar, self.groups[0].id, match[1].strip())
        except FamiliarError as error:
            return Reply(f"{error.found}. {error.fix}", then=self)
        return Reply(said, then=self._next(familiar))

    def _next(self, familiar: Familiar) -> WhoIsThis | None:
        """The next group that is still without a name."""
        unnamed = {concept.id for concept in familiar.concepts() if concept.name is None}
        left = tuple(group for group in self.groups[1:] if group.id in unnamed)
        return replace(self, groups=left) if left else None


@dataclass(frozen=True, slots=True)
class IsThis:
    """Asked about the first of these suggestions."""

    suggestions: tuple[Suggestion, ...]

    def ask(self) -> Question:
        one = self.suggestions[0]
        return Question(f"{is_this(one)} (y / n / skip / quit)", one.photo, one.box, one.photo.name)

    def answer(self, familiar: Familiar, text: str) -> Reply | None:
        word, one = _word(text), self.suggestions[0]
        if word in _ENOUGH:
            return Reply("As you like. /suggestions goes on.")
        if word not in _YES | _NO | _SKIP:
            return None
        said = ""
        try:
            if word in _YES:
                said = familiar.confirm(one.concept, str(one.photo)).says
            elif word in _NO:
                said = familiar.reject(one.concept, str(one.photo)).says
        except FamiliarError as error:
            said = f"{error.found}. {error.fix}"
        left = [other for other in self.suggestions[1:] if familiar.still_waits(other)]
        return Reply(said, then=IsThis(tuple(left)) if left else None)


def name_or_join(familiar: Familiar, group: int, name: str) -> str:
    """Name the group; one that is of somebody with that name already joins them. Says what was done."""
    known = familiar.library.concept_by_name(name)
    if known is not None and known.kind == familiar.library.concept(group).kind:
        familiar.merge(known.id, group)
        return f"Number {group} is {known.name} too; both are one now."
    named = familiar.name(group, name)
    words = f"Number {named.id} is {named.name} now."
    if named.suggested:
        words += f" {counted(named.suggested, 'more photo')} may show {named.name}: /suggestions {named.name}"
    return words


def _word(text: str) -> str:
    """The word that an answer comes to: "yes, that's him" is a yes, "no, not her" a no."""
    plain = text.strip().casefold()
    first = re.match(r"[\w']+", plain)
    if (
        first is not None
        and first[0] in _YES | _NO
        and len(plain.split()) <= 5
        and re.match(r"[\w']+[,.! ]", plain)
    ):
        rest = plain[first.end() :]
        if first[0] in _NO or not re.search(r"\b(?:no|not|but|aber|nicht|pero)\b|n't\b", rest):
            return first[0]
    return _COURTESY.sub("", text.strip().casefold().rstrip(".!"))


# --- what a language model wants

_APPROVAL_WORDS: dict[str, ApprovalAnswer] = {
    "y": "once", "yes": "once", "once": "once", "1": "once", "c": "chat", "chat": "chat", "this chat": "chat",
    "2": "chat", "a": "always", "always": "always", "3": "always", "n": "no", "no": "no",
}  # fmt: skip
_APPROVAL_SAID = {
    "once": "Allowed, this once.",
    "chat": "Allowed in this chat.",
    "always": "Allowed from now on, in all chats.",
    "no": "Not allowed: nothing was done.",
}


class Approving:
    """Blocks a language model's tool call until the user approves it, while its request keeps running.

    One question at a time, asked by the thread that answers requests, answered by any other.
    """

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[ApprovalAnswer] = queue.SimpleQueue()
        self._asked: ApprovalRequest | None = None
        self.emit: Callable[[Event], None] = lambda event: None
        """Shows an event of the request that is running."""
        self.stop = threading.Event()
        """Set when that request was stopped."""

    @property
    def waits(self) -> bool:
        """Whether an answer is waited for."""
        return self._asked is not None

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Show the request and wait for the answer; no when the user stops the whole request."""
        choices = {"once": "yes", "chat": "chat: yes, in this chat", "always": "always", "no": "no"}
        words = tuple(choices[answer] for answer in request.answers)
        self._asked = request
        try:
            self.emit(NeedsApproval(f"The language model wants this: {request.says}. Allow it?", words))
            while not self.stop.is_set():
                try:
                    return self._answers.get(timeout=0.05)
                except queue.Empty:
                    continue
            return "no"
        finally:
            self._asked = None

    def reply(self, text: str) -> str:
        """Take what the user typed as the answer, and say what it was taken for: anything unclear is a no."""
        request = self._asked
        answer = _APPROVAL_WORDS.get(text.strip().casefold().rstrip(".!"), "no")
        if request is None:
            return ""
        if answer not in request.answers:
            answer = "no"
        self._answers.put(answer)
        return _APPROVAL_SAID[answer]
