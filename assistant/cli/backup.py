"""The commands `backup`, `restore` and `backups`. Parses arguments, asks what has to be asked, prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.front_end import front_end, notify
from assistant.presentation.printable import short_path
from personalizer.errors import UsageError, counted

if TYPE_CHECKING:
    from assistant.results import BackupState
    from assistant.setup.restore import Restored
    from personalizer.backup.write import BackupMade


backup_app = typer.Typer(rich_markup_mode=None)


@backup_app.command()
def backup(
    context: typer.Context,
    destination: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file, or a folder for a new one in it.")
    ],
) -> None:
    """Write what cannot be made again (names, corrections, what was learned and told) into one file."""
    ui = front_end(context)
    ui.show(ui.run(lambda on_progress: ui.familiar.back_up(destination, on_progress)), backup_lines)


@backup_app.command()
def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `familiar backup` wrote.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also where a library is, which is lost; do not ask.")
    ] = False,
) -> None:
    """Put a backup into the place of the library. What you have forgotten since stays forgotten."""
    ui = front_end(context)
    replace = yes
    if not yes and ui.asking():
        from assistant.setup.restore import would_be_lost

        lost = would_be_lost(ui.familiar.home)
        if lost is not None:
            notify(f"This replaces {lost}. What is not in the backup is lost; your photos are not touched.")
            if not typer.confirm("Go on?", default=False, err=True):
                raise UsageError(
                    tried=f"restoring {source}", found="it was not confirmed", fix="Nothing was changed."
                )
            replace = True
    done = ui.run(lambda on_progress: ui.familiar.restore(source, on_progress, replace=replace))
    ui.show(done, restored_lines)


@backup_app.command()
def backups(
    context: typer.Context,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete those that hold something you have forgotten.")
    ] = False,
) -> None:
    """The backups that were made of this library."""
    ui = front_end(context)
    found = ui.familiar.backups(prune=prune)
    document: dict[str, Any] = {"backups": found}
    ui.show(document, lambda shown: known_lines(shown["backups"]))


def backup_lines(made: BackupMade) -> str:
    return (
        f"{short_path(made.path)}: {made.bytes / 2**20:.1f} MiB, {counted(made.photos, 'photo')}, "
        f"{counted(made.concepts, 'name')}, {made.prefixes} trained ({made.elapsed_s:.1f} s)\n"
        "It holds what was found and named in your photos, not the photos, models and drawings. Keep it as private as "
        "them."
    )


def restored_lines(restored: Restored) -> str:
    lines = [
        f"Restored from {restored.made_at[:16].replace('T', ' ')} UTC: {counted(restored.photos, 'photo')}, "
        f"{restored.concepts} names, {restored.prefixes} trained ({restored.elapsed_s:.1f} s)"
    ]
    left_out = restored.left_out
    if left_out.get("concepts"):
        number = left_out["concepts"]
        lines.append(f"Left out: {number} that you had forgotten since.")
    if left_out.get("chats"):
        lines.append(f"Left out: {counted(left_out['chats'], 'chat')} that you had deleted since.")
    if left_out.get("faces"):
        lines.append(
            f"Left out: {counted(left_out['faces'], 'face')}, and the people; you had them erased since."
        )
    return "\n".join([*lines, *restored.notes, "`familiar scan` brings it up to date with your folders."])


def known_lines(found: Sequence[BackupState]) -> str:
    from assistant.presentation.table import table

    if not found:
        return "No backup was made yet: familiar backup FILE"
    rows = [("made", "MiB", "path", "")]
    for one in found:
        notes = [*([] if one.state == "there" else [one.state])]
        if one.holds_forgotten and one.state != "deleted":
            notes.append("holds something you have forgotten (--prune deletes it)")
        made = one.made_at[:16].replace("T", " ")
        rows.append((made, f"{one.bytes / 2**20:.1f}", short_path(one.path), "; ".join(notes)))
    return table(rows)
