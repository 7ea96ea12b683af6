"""One request and everything that came back: bubbles, progress, pictures, errors. Knows events, not how they arise."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static

from assistant.chat.events import (
    Answer,
    Cancelled,
    Event,
    Failed,
    NeedsApproval,
    Notice,
    Question,
    Token,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from assistant.chat.history.resume import ShownExchange
from assistant.presentation.printable import printable
from assistant.results import FoundPhotos
from tui.literal import literal
from tui.widgets.pictures import PictureRow

BY_MODEL = "words of the language model"
_FOUND_SHOWN = 3
"""Photos of a search that are shown as pictures."""


class Bubble(Static):
    """Words in a rounded frame."""

    def __init__(self, text: str | Content, classes: str, title: str = "") -> None:
        super().__init__(text if isinstance(text, Content) else literal(text), classes=f"bubble {classes}")
        self.border_title = title


class Working(Vertical):
    """A tool that runs: what it does, how far it is."""

    def __init__(self, title: str) -> None:
        super().__init__(classes="bubble working")
        self._title = title

    def compose(self) -> ComposeResult:
        yield Static(literal(f"{self._title}…"), classes="working-title")
        yield ProgressBar(total=None, show_eta=False)
        yield Static("", classes="working-message", markup=False)

    def progress(self, done: int, total: int, message: str) -> None:
        """Show how far it is; `total` 0 means that nobody knows."""
        self.query_one(ProgressBar).update(total=total or None, progress=done)
        self.query_one(".working-message", Static).update(literal(message))


class Exchange(Vertical):
    """A request with its answer. `cancelled` stops it."""

    def __init__(self, request: str) -> None:
        super().__init__()
        self.request = request
        self.cancelled = Flag()
        self.finished = False
        self._words = ""
        self._streamed: Bubble | None = None
        self._working: Working | None = None
        self._artifact_shown = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="asked"):
            yield Bubble(self.request, "user")
        yield Static(Content.from_markup("[$muted]…[/]"), classes="waiting")

    async def show(self, event: Event) -> None:
        """Show the next event of this request."""
        if self.finished and not isinstance(event, Question):
            return
        if isinstance(event, Token):
            await self._stream(event.text)
        elif isinstance(event, ToolStarted):
            await self._start(event)
        elif isinstance(event, ToolProgress):
            if self._working is not None:
                progress = event.progress
                self._working.progress(progress.done, progress.total, progress.message)
        elif isinstance(event, ToolFinished):
            await self._finish_tool(event)
        elif isinstance(event, Answer):
            await self._answer(event)
        elif isinstance(event, Notice):
            await self.mount(Static(literal(event.text), classes="note"))
        elif isinstance(event, NeedsApproval):
            await self._clear_waiting()
            await self.mount(Bubble(f"{event.text}\n{' / '.join(event.answers)}", "reply", "familiar"))
        elif isinstance(event, Question):
            await self._ask(event)
        elif isinstance(event, Failed):
            await self._end(Bubble(_failure(event), "failed", "that did not work"))
        elif isinstance(event, Cancelled):
            await self._end(Static(Content.from_markup("[$muted]stopped[/]"), classes="note"))

    async def replay(self, shown: ShownExchange) -> None:
        """Show what came of this request in a chat that was kept."""
        self.finished = True
        await self._clear_waiting()
        for message in shown.messages:
            if message.role == "model":
                await self.mount(Bubble(message.text, "model", BY_MODEL))
            else:
                await self.mount(Bubble(message.text, "reply", "familiar"))
            if message.pictures:
                await self.mount(PictureRow([(one.path, one.caption) for one in message.pictures]))
        if shown.ending in ("cancelled", "unfinished"):
            words = "stopped" if shown.ending == "cancelled" else "not finished: the program ended meanwhile"
            await self.mount(Static(literal(words), classes="note"))

    async def _stream(self, piece: str) -> None:
        self._words += piece
        if self._streamed is None:
            await self._clear_waiting()
            self._streamed = Bubble(self._words, "model", BY_MODEL)
            await self.mount(self._streamed)
        else:
            self._streamed.update(literal(self._words))

    async def _start(self, event: ToolStarted) -> None:
        await self._clear_waiting()
        self._working = Working(event.title)
        await self.mount(self._working)

    async def _finish_tool(self, event: ToolFinished) -> None:
        await self._clear_waiting()
        await self._clear_working()
        await self.mount(Bubble(event.text, "reply", "familiar"))
        pictures = pictures_of(event.artifact)
        if pictures:
            await self.mount(PictureRow(pictures))
        self._artifact_shown = True

    async def _answer(self, event: Answer) -> None:
        self.finished = True
        await self._clear_waiting()
        await self._clear_working()
        if self._artifact_shown:
            return
        if event.by_model is None:
            await self.mount(Bubble(event.text, "reply", "familiar"))
            return
        if self._streamed is None:
            self._streamed = Bubble(event.text, "model", BY_MODEL)
            await self.mount(self._streamed)
        self._streamed.update(literal(event.text))
        self._streamed.border_title = f"words of the language model {printable(event.by_model)}"
        self._streamed.border_subtitle = "Familiar did nothing for them"

    async def _ask(self, event: Question) -> None:
        await self._end(Bubble(event.text, "reply", "familiar"))
        if event.photo is not None:
            await self.mount(PictureRow([(event.photo, event.caption)], event.box))

    async def _end(self, widget: Static) -> None:
        self.finished = True
        await self._clear_waiting()
        await self._clear_working()
        await self.mount(widget)

    async def _clear_waiting(self) -> None:
        await self.query(".waiting").remove()

    async def _clear_working(self) -> None:
        if self._working is not None:
            await self._working.remove()
            self._working = None


def _failure(event: Failed) -> Content:
    return Content.from_markup(
        "[$muted]tried[/]  $tried\n[$muted]found[/]  $found\n[$muted]fix[/]    [bold]$fix[/]",
        tried=printable(event.tried),
        found=printable(event.found),
        fix=printable(event.fix),
    )


def pictures_of(artifact: Any) -> list[tuple[Path, str]]:
    """The pictures behind a tool's result, with captions: those that were drawn, or the photo that was described."""
    paths = getattr(artifact, "paths", None)
    if paths:
        return [(Path(path), f"seed {artifact.seed + number}") for number, path in enumerate(paths)]
    if isinstance(artifact, FoundPhotos):
        shown = [(one.path, one.taken_at) for one in artifact.photos[:_FOUND_SHOWN]]
        return [(path, _caption(path, taken)) for path, taken in shown]
    photo = getattr(artifact, "photo", None)
    if photo is None:
        return []
    taken = getattr(getattr(artifact, "facts", None), "taken_at", None)
    return [(Path(photo), _caption(Path(photo), taken))]


def _caption(path: Path, taken: datetime | None) -> str:
    return f"{path.name}{f' · {taken:%d %B %Y}' if taken else ''}"
