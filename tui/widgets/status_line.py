"""The top line: the name on the left, contents of the library and activity of the worker on the right."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from assistant.presentation.printable import printable
from personalizer.errors import counted
from tui.literal import literal
from tui.messages import Snapshot

NARROW_COLUMNS = 70
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class StatusLine(Horizontal):
    """Photos, concepts, worker."""

    def compose(self) -> ComposeResult:
        yield Static(Content.from_markup("[$primary bold]✦ familiar[/]"), id="brand")
        yield Static("opening your library…", id="facts", markup=False)

    def show(self, snapshot: Snapshot) -> None:
        """Show a look at the library."""
        self.query_one("#facts", Static).update(facts(snapshot, narrow=self.size.width < NARROW_COLUMNS))

    def say(self, text: str) -> None:
        """Show plain words instead."""
        self.query_one("#facts", Static).update(literal(text))


def facts(snapshot: Snapshot, *, narrow: bool) -> Content:
    """`48 photos · 3 known · pocket · ● idle`."""
    status = snapshot.status
    photos = counted(status.photos, "photo")
    parts = [photos, f"{status.named} known"]
    if not narrow:
        parts.append(status.backbone)
    running = [job for job in status.running if job.state == "running"]
    if status.worker.paused:
        worker, color = "paused", "$warning"
    elif running:
        job = running[0]
        share = f" {100 * job.done // job.total}%" if job.total else ""
        worker, color = f"{job.kind}{share}", "$primary"
    elif status.worker.running:
        worker, color = "ready", "$success"
    else:
        worker, color = "asleep", "$muted"
    text = Content.from_markup("[$muted]$facts · [/]", facts=printable(" · ".join(parts)))
    return text + Content.from_markup(f"[{color}]● [/][$muted]$worker[/]", worker=printable(worker))
