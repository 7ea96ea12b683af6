"""`familiar status` and `familiar jobs`, once or again every second: what is done, how fast, and how long it takes.

Knows jobs and time; what is shown comes from the façade.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from assistant.cli.front_end import FrontEnd, front_end
from personalizer.errors import FamiliarError

if TYPE_CHECKING:
    from personalizer.schemas import Job

status_app = typer.Typer(rich_markup_mode=None)


Live = Annotated[bool, typer.Option("--watch", help="Again every second, until Ctrl-C.")]


@status_app.command()
def status(context: typer.Context, live: Live = False) -> None:
    """What is in the library and what is going on."""
    show_status(front_end(context), live=live)


jobs_app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)


@jobs_app.callback(help="What is running, waiting and failed.")
def jobs(context: typer.Context, live: Live = False) -> None:
    if context.invoked_subcommand is None:
        show_jobs(front_end(context), live=live)


@jobs_app.command()
def retry(context: typer.Context, job_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Queue a failed, quarantined or cancelled job again; or try a photo again: its ID or path, or all `photos`."""
    from assistant.presentation.lines import job_line

    ui = front_end(context)
    ui.show(ui.familiar.retry(job_id), job_line)


@jobs_app.command()
def cancel(context: typer.Context, job_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Stop a job that waits or runs; what it has done so far is kept."""
    from assistant.presentation.lines import job_line

    ui = front_end(context)
    ui.show(ui.familiar.cancel(job_id), job_line)


@jobs_app.command()
def dismiss(context: typer.Context, job_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Take a failed job off the list, without trying it again."""
    from assistant.presentation.lines import job_line

    ui = front_end(context)
    ui.show(ui.familiar.dismiss(job_id), job_line)


@status_app.command()
def pause(context: typer.Context) -> None:
    """Start no further job until `resume`."""
    ui = front_end(context)
    ui.show(ui.familiar.pause(), lambda _: "Paused. `familiar resume` goes on.")


@status_app.command()
def resume(context: typer.Context) -> None:
    """Undo `pause`."""
    ui = front_end(context)
    ui.show(ui.familiar.resume(), lambda _: "Going on.")


@status_app.command()
def doctor(context: typer.Context) -> None:
    """Check that everything that is needed is there."""
    from assistant.presentation.lines import check_lines

    ui = front_end(context)
    checks = ui.familiar.doctor()
    ui.show({"checks": checks}, lambda found: check_lines(found["checks"]))
    if any(check.required and not check.ok for check in checks):
        raise typer.Exit(FamiliarError.exit_code)


EVERY_S = 1.0
Shown = TypeVar("Shown")


def show_status(ui: FrontEnd, *, live: bool) -> None:
    """The command `status`."""
    from assistant.presentation.lines import status_lines

    if not live:
        ui.show(ui.familiar.status(), status_lines)
        return
    _again_and_again(ui, ui.familiar.status, status_lines)


def show_jobs(ui: FrontEnd, *, live: bool) -> None:
    """The command `jobs`."""
    from assistant.presentation.lines import job_line, job_lines

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
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from assistant.presentation.lines import as_data
    from assistant.presentation.printable import printable

    console, before = Console(highlight=False), None
    # It ends by Ctrl-C.
    with suppress(KeyboardInterrupt), ExitStack() as entered:
        live = None
        if console.is_terminal and not console.is_dumb_terminal and not ui.json:
            live = entered.enter_context(Live(console=console, auto_refresh=False))
        while True:
            shown = look()
            text = printable(lines(shown))
            if ui.json:
                print(json.dumps(as_data(shown)), flush=True)
            elif live is not None:
                live.update(Text(text), refresh=True)
            elif text != before:
                print(text, end="\n\n", flush=True)
            before = text
            time.sleep(EVERY_S)
