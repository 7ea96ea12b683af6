"""The commands about faces: whether they are looked for, and by which networks.

Parses arguments, asks what has to be asked, prints; decides nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.front_end import FrontEnd, front_end
from personalizer.errors import UsageError

if TYPE_CHECKING:
    from assistant.setup.face_models import FaceModelState

faces_app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Look for faces in photos, or not, and by which networks; without a command: how it stands.",
)


@faces_app.callback()
def faces(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        ui = front_end(context)
        status = ui.familiar.status()
        ui.show({"faces": status.faces_on, "kept": status.faces}, faces_lines)


@faces_app.command()
def on(context: typer.Context) -> None:
    """Look for faces from now on, also in the photos in which that was left out."""
    _switch(front_end(context), True)


@faces_app.command()
def off(
    context: typer.Context,
    erase: Annotated[bool, typer.Option("--erase", help="Remove all faces and people for good.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --erase: do not ask; for scripts.")] = False,
    backups: Annotated[
        bool, typer.Option("--backups", help="With --erase: delete the backups that hold faces, too.")
    ] = False,
) -> None:
    """Look for faces no longer."""
    ui = front_end(context)
    if erase:
        _erase_faces(ui, yes=yes, backups=backups)
    else:
        _switch(ui, False)


@faces_app.command()
def models(context: typer.Context) -> None:
    """The networks that may be downloaded for faces, beside those that ship."""
    ui = front_end(context)
    ui.show(ui.familiar.face_models(), models_lines)


@faces_app.command()
def download(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="yunet|sface")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take it from a file fetched elsewhere.")
    ] = None,
) -> None:
    """Fetch a network for faces from its publisher. Without this command none is ever fetched."""
    ui = front_end(context)
    found = ui.run(lambda on_progress: ui.familiar.download_face_model(name, source, on_progress))
    ui.show(found, lambda model: f"{model.name} is here. To use it: familiar faces use {model.name}")


@faces_app.command()
def use(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="built-in|yunet|sface …")],
) -> None:
    """Say which networks look at photos from now on; photos that others looked at are looked at again."""
    ui = front_end(context)
    ui.show(ui.familiar.use_face_models(names), used_lines)


def faces_lines(found: dict[str, Any]) -> str:
    """For a person."""
    lines = ["Faces are looked for." if found["faces"] else "Faces are not looked for."]
    if found.get("looked_at"):
        lines.append(
            f"{found['found']} were found in {found['looked_at']} photos in which that was left out."
        )
    if not found["faces"] and found["kept"]:
        lines.append(
            f"{found['kept']} that were found before are kept. To remove them: familiar faces off --erase"
        )
    return "\n".join(lines)


def models_lines(models: Sequence[FaceModelState]) -> str:
    """A line for each, and where it comes from."""
    lines = []
    for model in models:
        state = "in use" if model.used else "here, not in use" if model.installed else "not downloaded"
        lines.append(f"{model.name:<7} {model.task:<12} {model.size / 1e6:5.1f} MB  {model.licence}  {state}")
        lines.append(f"        {model.url}")
    return "\n".join(lines)


def used_lines(found: dict[str, Any]) -> str:
    """What is used, and what follows."""
    names = " and ".join(found["used"])
    lines = [f"In use: {names}, and for all else what ships." if names else "In use: what ships."]
    if found["photos_to_look_at"]:
        lines.append(f"{found['photos_to_look_at']} photos are looked at again by the worker: familiar watch")
    return "\n".join(lines)


def _switch(ui: FrontEnd, wanted: bool) -> None:
    found: dict[str, Any] = ui.run(lambda on_progress: ui.familiar.switch_faces(wanted, on_progress))
    found["kept"] = ui.familiar.status().faces
    ui.show(found, faces_lines)


def _erase_faces(ui: FrontEnd, *, yes: bool, backups: bool) -> None:
    from assistant.presentation.lines import forgotten_lines

    word = "erase"
    if not yes:
        typer.echo(
            "This removes every face that was found and every person you named, with what was learned and what you "
            f"told about them. It cannot be undone; photos stay. To go on type: {word}",
            err=True,
        )
        typer.echo("> ", err=True, nl=False)
        if sys.stdin.readline().strip().casefold() != word:
            raise UsageError(
                tried="erasing faces", found=f"{word!r} was not typed", fix="Nothing was removed. Ask again."
            )
    erased = ui.run(lambda on_progress: ui.familiar.erase_faces(on_progress, backups=backups))
    ui.show(erased, forgotten_lines)
