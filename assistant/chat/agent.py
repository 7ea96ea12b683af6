"""Answers requests one after another in a thread of its own, and yields typed events.

Start reading here; `dialogue.py` handles one request. Knows no screen.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.chat.dialogue import Dialogue, Emit
from assistant.chat.events import Answer, Cancelled, Event, Failed, Notice
from assistant.chat.history.recorder import Recorder
from assistant.chat.memory import Conversation
from assistant.chat.slash_commands import in_chat, is_command
from assistant.daemon.code_version import CodeWatch
from assistant.service.familiar import Familiar
from personalizer.errors import FamiliarError, JobCancelled

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_log = logging.getLogger(__name__)
MOST_QUOTED = 300
"""Characters of a request that are said again in an error."""
UPDATED = Failed(
    "answering in a chat that was open before Familiar was updated",
    "the installed version is another one by now",
    "Close the chat (/quit) and open it again: nothing is lost.",
)


class Assistant:
    """One conversation over one library.

    Requests are answered one after another in a thread of its own, so that a front end stays responsive;
    `respond` may be called from any thread.
    """

    def __init__(
        self, familiar: Familiar, model: Path | BaseChatModel | None = None, *, asks: bool = True
    ) -> None:
        """`model`: a GGUF file or a LangChain chat model that the user brought; `asks`: somebody can be asked."""
        self.familiar = familiar
        self.conversation = Conversation()
        self.recorder = Recorder(familiar)
        self.dialogue = Dialogue(familiar, self.conversation, self.recorder, model, asks=asks)
        self.approving = self.dialogue.approving
        self.tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.Lock()
        self.code = CodeWatch()

    def warm_up(self) -> None:
        """Load what answers need in the background, so that the first one need not wait for it."""

        def load_sentences() -> None:
            from assistant.chat.router.by_meaning import shipped_sentences

            try:
                shipped_sentences()
            except FamiliarError as error:
                _log.warning("requests are routed by rules alone: %s", error)

        # Not a daemon: the interpreter would end in the middle of loading, and abort. It takes a second at most.
        threading.Thread(target=load_sentences, name="router-warm-up").start()
        if self.dialogue.talk.is_wanted:
            threading.Thread(target=self.dialogue.talk.load_quietly, name="chat-warm-up", daemon=True).start()

    def respond(self, text: str, cancelled: threading.Event | None = None) -> Iterator[Event]:
        """What happens while `text` is answered; ends with `Answer`, `Question`, `Failed`, `Cancelled` or `Quit`.

        Setting `cancelled` stops the request: at once for the caller, as soon as it can for what was running.
        """
        stop = cancelled or threading.Event()
        if self.approving.waits:
            yield Answer(self.approving.reply(text))
            return
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
        notice = self.recorder.take_notice()
        if notice is not None:
            emit(Notice(notice))
        shortened = text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"
        self.recorder.request(text)

        def tell(event: Event) -> None:
            self.recorder.event(event)
            emit(event)

        try:
            self.dialogue.answer(text, stop, tell)
        except (KeyboardInterrupt, JobCancelled):
            tell(Cancelled())
        except FamiliarError as error:
            failed = Failed.from_error(error, shortened)
            tell(replace(failed, fix=in_chat(failed.fix)))
        except BaseException as error:
            # Not even a SystemExit from a library may end the thread that later requests wait for.
            tell(Failed.from_error(error, f"answering {shortened!r}"))
