"""`familiar status` and `familiar jobs`, once or again every second: what is done, how fast, and how long it takes.

Knows jobs and time; what is shown comes from the façade.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from assistant.cli_output import as_data, job_line, job_lines, status_lines
from assistant.estimate import duration
from assistant.printable import printable
from assistant.results import Status
from personalizer.job_pace import JobPace
from personalizer.schemas import Job

if TYPE_CHECKING:
    from assistant.cli import FrontEnd

EVERY_S = 1.0
WINDOW_S = 60.0
_CLEAR_BELOW = "\x1b[J"
Shown = TypeVar("Shown")


def show_status(ui: FrontEnd, *, live: bool) -> None:
    """The command `status`."""
    if not live:
        ui.show(ui.familiar.status(), status_lines)
        return
    paces = Paces()

    def lines(status: Status) -> str:
        paces.see(status.running)
        return status_lines(status, paces.of)

    _again_and_again(ui, ui.familiar.status, lines)


def show_jobs(ui: FrontEnd, *, live: bool) -> None:
    """The command `jobs`."""
    if not live:
        ui.show(ui.familiar.jobs(), job_lines)
        return
    paces = Paces()

    def active() -> list[Job]:
        return [job for job in ui.familiar.jobs() if job.state in ("queued", "running")]

    def lines(jobs: Sequence[Job]) -> str:
        paces.see(jobs)
        shown = [job_line(job) + told(paces.of(job)) for job in jobs]
        return "\n".join(shown) or "No job waits or runs."

    _again_and_again(ui, active, lines)


class Paces:
    """How fast jobs go, from what was seen of them in the last minute."""

    def __init__(self) -> None:
        self._seen: dict[int, deque[tuple[float, int]]] = {}

    def see(self, jobs: Sequence[Job]) -> None:
        """Remember how far they are."""
        now_s = time.monotonic()
        running = {job.id: job for job in jobs if job.state == "running"}
        self._seen = {job_id: seen for job_id, seen in self._seen.items() if job_id in running}
        for job in running.values():
            seen = self._seen.setdefault(job.id, deque())
            if seen and job.done < seen[-1][1]:
                # Another part of the job, which counts anew.
                seen.clear()
            seen.append((now_s, job.done))
            while seen[-1][0] - seen[0][0] > WINDOW_S:
                seen.popleft()

    def of(self, job: Job) -> JobPace | None:
        """Of a job that runs and was seen to go on."""
        seen = self._seen.get(job.id)
        if not seen or job.state != "running":
            return None
        (began_s, first), (now_s, last) = seen[0], seen[-1]
        if last <= first or now_s <= began_s:
            return None
        return JobPace.of(last - first, now_s - began_s, left=job.total - job.done)


def told(pace: JobPace | None) -> str:
    """` (3.2/s, 4 min left)`."""
    if pace is None:
        return ""
    left = f", {duration(pace.left_s / 60)} left" if pace.left_s is not None else ""
    return f" ({pace.per_s:.1f}/s{left})"


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
