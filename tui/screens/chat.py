"""The conversation: sends requests to the assistant in threads and shows what happens. Knows no tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import Screen

from assistant.chat.slash_commands import leaves
from personalizer.errors import FamiliarError
from personalizer.home import Home
from tui.library_view import open_assistant, take_snapshot
from tui.messages import Asked, LibraryChanged, LibraryFailed, LibraryOpened, SuggestionChosen
from tui.widgets.composer import Composer, RequestInput
from tui.widgets.status_line import StatusLine
from tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from assistant.chat.agent import Assistant
    from assistant.chat.events import Event
    from assistant.chat.history.resume import ResumedChat
    from tui.widgets.exchange import Exchange

REFRESH_S = 2.0
MOST_SHOWN = 40
"""Exchanges of a kept chat that are shown again."""


class Happened(Message):
    """An event of a request that is being answered in a thread."""

    def __init__(self, exchange: Exchange, event: Event) -> None:
        super().__init__()
        self.exchange = exchange
        self.event = event


class ChatScreen(Screen[None]):
    """The chat."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", priority=True),
        Binding("ctrl+y", "why", "Why", show=False),
        Binding("ctrl+l", "clear", "Clear", show=False),
    ]

    def __init__(self, home: Home, backbone: str, device: str, model_path: Path | None) -> None:
        super().__init__()
        self._settings = (home, backbone, device, model_path)
        self._assistant: Assistant | None = None
        self._early: list[Exchange] = []
        """Requests that came before the library was open."""
        self._opening = True

    def compose(self) -> ComposeResult:
        yield StatusLine(id="status")
        with VerticalScroll(id="conversation", can_focus=False):
            yield Welcome()
        yield Composer()

    def on_mount(self) -> None:
        self.query_one(RequestInput).focus()
        # The library and what it imports wait until the first picture is on the screen.
        self.call_after_refresh(self._open_library)

    # --- the library

    @work(thread=True)
    def _open_library(self) -> None:
        home = self._settings[0]
        try:
            assistant = open_assistant(*self._settings)
            snapshot = take_snapshot(assistant.familiar)
        except FamiliarError as error:
            self.post_message(LibraryFailed(error.tried, error.found, error.fix))
        except Exception as error:
            fix = "`familiar doctor` shows more."
            self.post_message(LibraryFailed(f"opening {home.root}", f"{type(error).__name__}: {error}", fix))
        else:
            self.post_message(LibraryOpened(assistant, snapshot))

    @on(LibraryOpened)
    async def _opened(self, message: LibraryOpened) -> None:
        self._assistant, self._opening = message.assistant, False
        await self._show_library(message)
        early, self._early = self._early, []
        for exchange in early:
            self._answer(exchange)
        self.set_interval(REFRESH_S, lambda: self._look_again(bool(self.query(Welcome))))

    @on(LibraryChanged)
    async def _show_library(self, message: LibraryChanged | LibraryOpened) -> None:
        self.query_one(StatusLine).show(message.snapshot)
        self.query_one(Composer).know(message.snapshot.names)
        for welcome in self.query(Welcome):
            await welcome.offer(message.snapshot.suggestions)

    @on(LibraryFailed)
    async def _could_not_open(self, message: LibraryFailed) -> None:
        from assistant.chat.events import Failed

        self._opening = False
        self.query_one(StatusLine).say("no library")
        failed = Failed(message.tried, message.found, message.fix)
        early, self._early = self._early, []
        for exchange in early or [await self._begin("Open my library")]:
            await exchange.show(failed)

    # A look that fails, say while the file is locked, is made again soon.
    @work(thread=True, exclusive=True, group="look", exit_on_error=False)
    def _look_again(self, suggest: bool) -> None:
        if self._assistant is not None:
            self.post_message(LibraryChanged(take_snapshot(self._assistant.familiar, suggest=suggest)))

    # --- requests

    @on(Asked)
    async def _ask(self, message: Asked) -> None:
        if self._assistant is None and leaves(message.text):
            self.app.exit()
            return
        text = message.text or self._passed_over()
        if not text:
            return
        exchange = await self._begin(text)
        if self._assistant is not None:
            self._answer(exchange)
            return
        self._early.append(exchange)
        if not self._opening:
            # It could not be opened. What was in the way may be gone; else the request says it again.
            self._opening = True
            self.query_one(StatusLine).say("opening your library…")
            self._open_library()

    def _passed_over(self) -> str:
        """What Enter alone says: that the question which stands is passed over; else nothing."""
        if self._assistant is None or self._assistant.conversation.question is None:
            return ""
        from assistant.chat.questions import SKIP

        return SKIP

    @on(SuggestionChosen)
    async def _try(self, message: SuggestionChosen) -> None:
        composer = self.query_one(Composer)
        if message.suggestion.send:
            self.query_one(RequestInput).focus()
            await self._ask(Asked(message.suggestion.request))
        else:
            composer.fill(message.suggestion.request)

    async def _begin(self, text: str) -> Exchange:
        from tui.widgets.exchange import Exchange

        conversation = self.query_one("#conversation", VerticalScroll)
        await self.query(Welcome).remove()
        exchange = Exchange(text)
        await conversation.mount(exchange)
        conversation.anchor()
        return exchange

    @work(thread=True, group="answers")
    def _answer(self, exchange: Exchange) -> None:
        assert self._assistant is not None
        for event in self._assistant.respond(exchange.request, cancelled=exchange.cancelled):
            self.post_message(Happened(exchange, event))

    @on(Happened)
    async def _show(self, message: Happened) -> None:
        from assistant.chat.events import Answer, Question, Quit, ToolFinished
        from assistant.chat.history.resume import ResumedChat

        if isinstance(message.event, Quit):
            self.app.exit()
            return
        if not message.exchange.is_attached:
            return
        if isinstance(message.event, Answer) and message.exchange.request.strip().lower() == "/clear":
            await self.action_clear()
            return
        if isinstance(message.event, ToolFinished) and isinstance(message.event.artifact, ResumedChat):
            await self._show_resumed(message.event.artifact, message.exchange)
        await message.exchange.show(message.event)
        if isinstance(message.event, Answer | Question):
            self._look_again()

    async def _show_resumed(self, chat: ResumedChat, asking: Exchange) -> None:
        """What was said in a kept chat, above the request that resumes it."""
        from tui.widgets.exchange import Exchange

        conversation = self.query_one("#conversation", VerticalScroll)
        for old in [exchange for exchange in self.query(Exchange) if exchange is not asking]:
            await old.remove()
        for shown in chat.exchanges[-MOST_SHOWN:]:
            exchange = Exchange(shown.request)
            await conversation.mount(exchange, before=asking)
            await exchange.replay(shown)
        conversation.anchor()

    # --- keys

    async def action_stop(self) -> None:
        """Close the menu, or stop what is running, or go back to the input line."""
        from tui.widgets.exchange import Exchange

        composer = self.query_one(Composer)
        running = [exchange for exchange in self.query(Exchange) if not exchange.finished]
        if composer.menu_is_open:
            composer.close_menu()
        elif running:
            for exchange in running:
                exchange.cancelled.set()
            for exchange in [exchange for exchange in running if exchange in self._early]:
                await self._drop(exchange)
        else:
            self.query_one(RequestInput).focus()

    async def _drop(self, exchange: Exchange) -> None:
        from assistant.chat.events import Cancelled

        self._early.remove(exchange)
        await exchange.show(Cancelled())

    async def action_why(self) -> None:
        """Ask what the last answer about a photo rests on."""
        await self._ask(Asked("/why"))

    async def action_clear(self) -> None:
        """Start a new conversation."""
        from tui.widgets.exchange import Exchange

        for exchange in self.query(Exchange):
            exchange.cancelled.set()
        await self.query(Exchange).remove()
        if self._assistant is not None:
            self._assistant.conversation.clear()
        if not self.query(Welcome):
            await self.query_one("#conversation").mount(Welcome())
            self._look_again()

    def action_scroll_conversation(self, direction: int) -> None:
        """A page up or down."""
        conversation = self.query_one("#conversation", VerticalScroll)
        if direction < 0:
            conversation.scroll_page_up()
        else:
            conversation.scroll_page_down()

    def stop_everything(self) -> None:
        """Ask all running requests to stop; for leaving."""
        from tui.widgets.exchange import Exchange

        for exchange in self.query(Exchange):
            exchange.cancelled.set()
