"""`familiar status` and `familiar jobs`, once or again every second: what is done, how fast, and how long it takes.

Knows jobs and time; what is shown comes from the façade.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from assistant.presentation.lines import as_data, job_line, job_lines, status_lines
from assistant.presentation.printable import printable
from personalizer.schemas import Job

if TYPE_CHECKING:
    from assistant.cli.front_end import FrontEnd

EVERY_S = 1.0
_CLEAR_BELOW = "\x1b[J"
Shown = TypeVar("Shown")


def show_status(ui: FrontEnd, *, live: bool) -> None:
    """The command `status`."""
    if not live:
        ui.show(ui.familiar.status(), status_lines)
        return
    _again_and_again(ui, ui.familiar.status, status_lines)


def show_jobs(ui: FrontEnd, *, live: bool) -> None:
    """The command `jobs`."""
    if not live:
        ui.show(ui.familiar.jobs(), job_lines)
        return

    def active() -> list[Job]:
        return [job for job in ui.familiar.queue.list() if job.state in ("queued", "running")]

    def lines(jobs: Sequence[Job]) -> str:
        return "\n".join(map(job_line, jobs)) or "No job waits or runs."

    _again_and_again(ui, active, lines)


def _again_and_again(ui: FrontEnd, look: Callable[[], Shown], lines: Callable[[Shown], str]) -> None:
    """Until Ctrl-C: on a terminal in the same place, in a pipe one after the other, as JSON one document a line."""
    on_terminal = sys.stdout.isatty() and not ui.json
    height, before = 0, None
    try:
        while True:
            shown = look()
            text = printable(lines(shown))
            if ui.json:
                print(json.dumps(as_data(shown)), flush=True)
            elif on_terminal:
                if height:
                    print(f"\x1b[{height}F{_CLEAR_BELOW}", end="")
                print(text, flush=True)
                height = _height(text)
            elif text != before:
                print(text, end="\n\n", flush=True)
            before = text
            time.sleep(EVERY_S)
    except KeyboardInterrupt:
        # This is how one leaves it.
        return


def _height(text: str) -> int:
    """Rows of the terminal that the text takes, long lines wrapped."""
    import shutil

    columns = max(shutil.get_terminal_size().columns, 1)
    return sum(max(1, -(-len(line) // columns)) for line in text.split("\n"))
