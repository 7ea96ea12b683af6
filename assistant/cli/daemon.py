"""The commands of the daemon: adding folders, watching them, the service, and what the user may switch.

Parses arguments, asks what has to be asked, prints; decides nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.front_end import FrontEnd, NoFaces, Yes, front_end
from personalizer.errors import UsageError, counted

if TYPE_CHECKING:
    from assistant.daemon.service_file import ServiceState
    from assistant.results import Status
    from assistant.setup.estimate import Estimate

daemon_app = typer.Typer(rich_markup_mode=None)


@daemon_app.command()
def watch(
    context: typer.Context,
    patience: Annotated[float, typer.Option(metavar="S", min=0, help="Wait for another worker.")] = 30.0,
    no_training: Annotated[
        bool, typer.Option("--no-training", help="Train nothing on its own this time.")
    ] = False,
    yes: Yes = False,
    no_faces: NoFaces = False,
) -> None:
    """Stay in the foreground as the worker: watch the folders, run the waiting jobs, train when idle."""
    watch_folders(
        front_end(context), patience_s=patience, training=not no_training, yes=yes, no_faces=no_faces
    )


service_app = typer.Typer(
    rich_markup_mode=None, help="`familiar watch` as a service of your session: always on, in the background."
)
Force = Annotated[bool, typer.Option("--force", help="Also when its file was edited.")]
Switch = Annotated[str | None, typer.Argument(metavar="[on|off]")]


def add_folders(ui: FrontEnd, paths: Sequence[Path], *, yes: bool, no_faces: bool) -> None:
    """The command `add`: asks about faces, says what it will take, scans."""
    from assistant.presentation.lines import as_data, next_step_lines, scan_lines
    from assistant.presentation.suggestion_lines import found_line
    from assistant.setup.consent import settle_consent
    from assistant.setup.estimate import Measuring

    familiar = ui.familiar
    before = familiar.estimate(paths)
    settle_consent(familiar.library, ui.asking(), yes=yes, no_faces=no_faces)

    ui.note(estimate_lines(before))
    measured = before

    def note(estimate: Estimate) -> None:
        nonlocal measured
        measured = estimate
        ui.note(estimate_lines(estimate))

    report = ui.run(lambda on_progress: familiar.add(paths, Measuring(before, on_progress, note)))
    document = {**as_data(report), "estimate": as_data(measured)}
    found = found_line(familiar.concepts()) if report.new or report.changed else ""
    # What was found says how to look at it and to name it.
    said = ("familiar report", "familiar name ") if found else ()
    steps = [step for step in familiar.next_steps() if not step.command.startswith(said)]
    parts = [
        scan_lines(report) + (f"\n{found}" if found else ""),
        *([next_step_lines(steps)] if steps else []),
    ]
    ui.show(document, lambda _: "\n\n".join(parts))


def watch_folders(ui: FrontEnd, *, patience_s: float, training: bool, yes: bool, no_faces: bool) -> None:
    """The command `watch`."""
    from assistant.setup.consent import settle_consent
    from assistant.worker.log import level_number
    from assistant.worker.main import WatchOptions, leave, watch_in_foreground

    familiar = ui.familiar
    settle_consent(familiar.library, ui.asking(), yes=yes, no_faces=no_faces)
    familiar.close()
    options = WatchOptions(
        familiar.backbone, familiar.device, patience_s, training, level_number(ui.log_level)
    )
    watch_in_foreground(familiar.home, options)
    leave(0)


@service_app.command("install")
def install_service(
    context: typer.Context,
    no_training: Annotated[bool, typer.Option("--no-training", help="Train nothing on its own.")] = False,
    force: Force = False,
    yes: Yes = False,
    no_faces: NoFaces = False,
) -> None:
    """Install and start the service; again changes nothing."""
    from assistant.daemon.service_file import Watched
    from assistant.daemon.service_unit import service_of_this_system
    from assistant.setup.consent import settle_consent

    ui = front_end(context)
    familiar = ui.familiar
    service = service_of_this_system()
    settle_consent(familiar.library, ui.asking(), yes=yes, no_faces=no_faces)
    familiar.close()
    watched = Watched(familiar.home, familiar.backbone, familiar.device, not no_training)
    ui.show(service.install(watched, force=force), service_lines)


@service_app.command("uninstall")
def uninstall_service(context: typer.Context, force: Force = False) -> None:
    """Stop the service and remove what `install` wrote; your library stays."""
    from assistant.daemon.service_unit import service_of_this_system

    front_end(context).show(service_of_this_system().uninstall(force=force), service_lines)


@service_app.command("status")
def service_status(context: typer.Context) -> None:
    """Whether the service is installed and runs."""
    from assistant.daemon.service_unit import service_of_this_system

    front_end(context).show(service_of_this_system().state(), service_lines)


def service_lines(state: ServiceState) -> str:
    """For a person."""
    said = {True: "yes", False: "no", None: "cannot be asked from here"}
    lines = [f"service   {'installed' if state.installed else 'not installed'} ({state.kind}: {state.path})"]
    if state.file == "foreign":
        lines.append("          the file there was not written by Familiar")
    if state.file == "changed":
        lines.append("          its file was edited since")
    if state.installed:
        lines += [f"running   {said[state.running]}", f"enabled   {said[state.enabled]}"]
    if state.commands:
        lines += ["Your session's service manager cannot be reached from here. To do the rest:"]
        lines += [f"  {command}" for command in state.commands]
    return "\n".join([*lines, *state.notes])


@daemon_app.command()
def training(context: typer.Context, switch: Switch = None) -> None:
    """Have named concepts trained when the machine is idle, or not; without an argument: how it stands."""
    from assistant.presentation.lines import training_line

    ui = front_end(context)
    wanted = _on_or_off(switch)
    status: Status = ui.familiar.status() if wanted is None else ui.familiar.switch_training(wanted)
    ui.show(status.training, training_line)


def _on_or_off(switch: str | None) -> bool | None:
    if switch not in (None, "on", "off"):
        raise UsageError(tried=f"familiar training {switch}", found="it is on or off", fix="Say on, or off.")
    return None if switch is None else switch == "on"


def estimate_lines(estimate: Estimate) -> str:
    """For a person."""
    from assistant.presentation.lines import duration

    if estimate.new == 0:
        return f"{counted(estimate.files, 'file')} that may be photos, none of them new."
    size = (
        f"{estimate.bytes / 2**30:.1f} GiB"
        if estimate.bytes >= 2**30
        else f"{estimate.bytes / 2**20:.0f} MiB"
    )
    basis = {
        "default": "a guess; it is said again once some are read",
        "earlier scan": "as the last scan was",
        "first photos": "by the first photos",
    }[estimate.basis]
    lines = [
        f"{counted(estimate.new, 'new photo')} ({size}): about {duration(estimate.minutes)} at "
        f"{estimate.photos_per_s:.1f} photos/s ({basis}), and {estimate.disk_mib:.0f} MiB of disk."
    ]
    if not estimate.fits:
        lines.append(
            f"That does not fit: {estimate.free_mib:.0f} MiB are free. What is read until then is kept; "
            "free some room, or use --home on another disk."
        )
    return "\n".join(lines)
