"""The commands about faces: whether they are looked for.

Parses arguments, asks what has to be asked, prints; decides nothing else.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from assistant.cli.front_end import FrontEnd, front_end, notify
from personalizer.errors import UsageError, counted

faces_app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Look for faces in photos, or not; without a command: how it stands.",
)


@faces_app.callback()
def faces(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        ui = front_end(context)
        status = ui.familiar.status()
        notice = ui.familiar.read_face_notice()
        ui.show({"faces": status.faces_on, "kept": status.faces, "notice": notice}, faces_lines)


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


def faces_lines(found: dict[str, Any]) -> str:
    """For a person."""
    lines = ["Faces are looked for." if found["faces"] else "Faces are not looked for."]
    if found.get("looked_at"):
        lines.append(
            f"{counted(found['found'], 'face')} found in {counted(found['looked_at'], 'photo')} left out before."
        )
    if not found["faces"] and found["kept"]:
        lines.append(
            f"{counted(found['kept'], 'face')} from before kept. To remove them: familiar faces off --erase"
        )
    if found.get("notice"):
        lines.append(found["notice"])
    return "\n".join(lines)


def _switch(ui: FrontEnd, wanted: bool) -> None:
    found: dict[str, Any] = ui.run(lambda on_progress: ui.familiar.switch_faces(wanted, on_progress))
    found["kept"] = ui.familiar.status().faces
    ui.show(found, faces_lines)


def _erase_faces(ui: FrontEnd, *, yes: bool, backups: bool) -> None:
    from assistant.presentation.lines import forgotten_lines

    word = "erase"
    if not yes:
        notify(
            "This removes every face that was found and every person you named, with what was learned and what you "
            f"told about them. It cannot be undone; photos stay. To go on type: {word}"
        )
        typer.echo("> ", err=True, nl=False)
        if sys.stdin.readline().strip().casefold() != word:
            raise UsageError(
                tried="erasing faces", found=f"{word!r} was not typed", fix="Nothing was removed. Ask again."
            )
    erased = ui.run(lambda on_progress: ui.familiar.erase_faces(on_progress, backups=backups))
    ui.show(erased, forgotten_lines)
