"""Records a running chat in the library, if the user consented. An error here never fails an answer.

Requests, results and the end of each request are stored as they come: after a kill, only the interrupted request has no
end.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from dataclasses import dataclass

from assistant.chat.events import (
    Answer,
    Cancelled,
    Event,
    Failed,
    Question,
    Quit,
    Token,
    ToolFinished,
    ToolStarted,
)
from assistant.chat.history.artifacts import is_of_faces, kept_artifact, pictures_of
from assistant.service.familiar import Familiar
from personalizer.concepts.name_mentions import NameMentions
from personalizer.errors import FamiliarError
from personalizer.library.chats import ChatPicture, Ending, NewMessage
from personalizer.library.database import now_text

WAIT_S = 1.0
"""How long an answer waits for a library that another program holds; after that, nothing waits until it is free."""
MOST_WAITING = 400
"""What is kept in memory while the library cannot be written."""
UNKEPT_COMMANDS = frozenset(
    {"/chats", "/resume", "/search", "/export", "/private", "/delete-chat", "/clear", "/help", "/quit"}
)
"""Commands about chats are no part of one."""
NOT_KEPT = (
    "I cannot keep this chat at the moment ({found}); I go on without, and try again with the next answer."
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str
    at: str


_Write = _Asked | NewMessage | Ending


class Recorder:
    """The recorder of one conversation. May be used from several threads; writes in the order of the calls.

    >>> recorder = Recorder(familiar)  # doctest: +SKIP
    >>> recorder.request("who is in a.jpg?")  # doctest: +SKIP
    >>> for event in events: recorder.event(event)  # doctest: +SKIP
    """

    def __init__(self, familiar: Familiar, chat_id: int | None = None) -> None:
        """`chat_id`: the kept chat that goes on; else one begins with the first request."""
        self._familiar = familiar
        self._lock = threading.RLock()
        self.chat_id = chat_id
        """The chat in the library; None while nothing of it is kept."""
        self.private = False
        """Whether nothing of this chat is kept."""
        self._request_id: int | None = None
        self._recording = False
        self._waiting: deque[_Write] = deque()
        self._failing = False
        self._told = False
        self._notice: str | None = None
        self._tool: tuple[str, float] | None = None
        """The tool that runs, and since when (monotonic, seconds)."""
        self._shown = ""
        """The last result, which its answer may repeat."""
        self._tokens: list[str] = []

    # --- what happens

    def request(self, text: str) -> None:
        """The user asked something."""
        command = text.strip().split(" ")[0].lower()
        with self._lock:
            self._recording = not self.private and command not in UNKEPT_COMMANDS
            self._tool, self._shown = None, ""
            self._tokens.clear()
            if self._recording:
                self._write(_Asked(text.strip(), now_text()))

    def event(self, event: Event) -> None:
        """Something came of the request."""
        with self._lock:
            if not self._recording or self.private:
                return
            message = self._message(event)
            if message is not None:
                self._write(message)
            ending = _ending(event)
            if ending is not None:
                self._write(ending)
                self._recording = False

    def take_notice(self) -> str | None:
        """That the chat cannot be kept, said once; else None."""
        with self._lock:
            notice, self._notice = self._notice, None
            return notice

    # --- which chat

    def new_chat(self) -> None:
        """What comes now belongs to a new chat, which is not private."""
        self.continue_chat(None)

    def continue_chat(self, chat_id: int | None) -> None:
        """What comes now belongs to that chat."""
        with self._lock:
            self._waiting.clear()
            self.chat_id, self.private, self._request_id, self._recording = chat_id, False, None, False

    def make_private(self) -> bool:
        """From now on nothing of this chat is kept, and what was kept of it is removed for good.

        Returns whether there was any. Raises as `Familiar.delete_chats` does; it is private all the same.
        """
        with self._lock:
            chat_id = self.chat_id
            self.continue_chat(None)
            self.private = True
        if chat_id is None:
            return False
        self._familiar.delete_chats([chat_id], missing_ok=True)
        return True

    def forget(self, mentions: NameMentions) -> None:
        """Somebody was forgotten: what waits to be kept and names them is not."""
        with self._lock:
            waiting = [one for one in self._waiting if not _names(one, mentions)]
            if len(waiting) < len(self._waiting):
                # What an exchange is left without makes no sense on its own.
                self._waiting.clear()
                self._recording = False

    # --- writing

    def _message(self, event: Event) -> NewMessage | None:
        at = now_text()
        match event:
            case Token():
                self._tokens.append(event.text)
            case ToolStarted():
                self._tool = (event.tool, time.monotonic())
            case ToolFinished():
                return self._result(event, at)
            case Question():
                photo = event.photo
                shown = () if photo is None else (ChatPicture(photo, event.caption or photo.name),)
                return NewMessage("program", event.text, at, pictures=shown, of_faces=event.box is not None)
            case Failed():
                text = f"Failed: {event.tried}\n  found: {event.found}\n  to do: {event.fix}"
                return NewMessage("program", text, at)
            case Answer() if event.text.strip() and event.text != self._shown:
                return NewMessage("program" if event.by_model is None else "model", event.text, at)
            case Cancelled() if self._tokens:
                return NewMessage("model", "".join(self._tokens), at)
        return None

    def _result(self, event: ToolFinished, at: str) -> NewMessage:
        tool, started = self._tool or (None, 0.0)
        elapsed_s = None if tool is None else round(time.monotonic() - started, 3)
        self._tool, self._shown = None, event.text
        artifact = event.artifact
        return NewMessage(
            "tool",
            event.text,
            at,
            tool=tool,
            elapsed_s=elapsed_s,
            artifact=kept_artifact(artifact),
            pictures=pictures_of(artifact),
            of_faces=is_of_faces(artifact),
        )

    def _write(self, what: _Write) -> None:
        """Store what waits, and this; what cannot be stored now waits."""
        self._waiting.append(what)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.clear()
            self._recording = False
            return
        try:
            with self._familiar.library.waiting_at_most(0.0 if self._failing else WAIT_S):
                while self._waiting:
                    self._store(self._waiting[0])
                    self._waiting.popleft()
        except (sqlite3.Error, OSError, FamiliarError) as error:
            self._note_failure(error)
        else:
            self._failing = False

    def _store(self, what: _Write) -> None:
        library = self._familiar.library
        if isinstance(what, _Asked):
            kept = library.keep_request(self.chat_id, what.text, what.at)
            self.chat_id, self._request_id = kept or (None, None)
        elif self._request_id is None:
            return
        elif isinstance(what, NewMessage):
            if not library.keep_message(self._request_id, what):
                self._request_id = None  # it was deleted meanwhile, and stays so
        else:
            library.end_request(self._request_id, what)

    def _note_failure(self, error: Exception) -> None:
        self._failing = True
        logger.warning("a chat cannot be kept: %s", type(error).__name__)
        if not self._told:
            self._told = True
            found = error.found if isinstance(error, FamiliarError) else str(error)
            self._notice = NOT_KEPT.format(found=found)


def _ending(event: Event) -> Ending | None:
    match event:
        case Answer() | Question() | Quit():
            return "answered"
        case Failed():
            return "failed"
        case Cancelled():
            return "cancelled"
        case _:
            return None


def _names(what: _Write, mentions: NameMentions) -> bool:
    if isinstance(what, NewMessage):
        paths = [str(picture.path) for picture in what.pictures]
        return mentions.in_value([what.text, what.artifact, paths])
    return isinstance(what, _Asked) and mentions.in_text(what.text)
