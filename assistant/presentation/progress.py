"""Shows progress on standard error: one moving line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from assistant.presentation.printable import printable, progress_text
from personalizer.schemas import OnProgress, Progress

PLAIN_LINE_EVERY_S = 5.0


@contextmanager
def shown_progress(*, quiet: bool, stream: TextIO | None = None) -> Iterator[OnProgress]:
    """A callback that shows progress on `stream` (standard error) until the block ends."""
    target = stream or sys.stderr
    if quiet:
        yield lambda progress: None
    elif target.isatty():
        with _terminal_line(target) as show:
            yield show
    else:
        yield _PlainLines(target)


class _PlainLines:
    """A line when something else begins, and otherwise not more often than every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._doing = ""
        self._written_at = float("-inf")

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        finished = progress.total > 0 and progress.done >= progress.total
        # "Reading a.jpg" and "Reading b.jpg" are the same activity.
        doing = progress.message.split(" ", 1)[0]
        fresh = doing != self._doing and now - self._written_at > 1.0
        if not (fresh or finished or now - self._written_at > PLAIN_LINE_EVERY_S):
            return
        self._doing, self._written_at = doing, now
        print(progress_text(progress), file=self._stream, flush=True)


@contextmanager
def _terminal_line(stream: TextIO) -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        # What is drawn is part of the message, and its brackets are no markup.
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("Starting", total=None, count="")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                description=printable(progress.message),
                completed=progress.done,
                total=progress.total or None,
                count=f"{progress.done}/{progress.total}" if progress.total else "",
            )

        yield show
