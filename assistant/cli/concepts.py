"""Commands for what a person does to concepts after they were found: put right, hide, and undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.app import app
from assistant.cli.front_end import front_end
from personalizer.errors import UsageError

if TYPE_CHECKING:
    from assistant.service.concepts import Changed
    from personalizer.concepts.undo import HistoryEntry

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name, or the number of an unnamed one.")]
Photo = Annotated[str, typer.Argument(metavar="PHOTO", help="A path, or the number of a photo.")]


@app.command()
def split(
    context: typer.Context,
    concept: Name,
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Those that show another one.")],
) -> None:
    """Say that these photos show somebody or something else: they become a concept of their own."""
    ui = front_end(context)
    ui.show(ui.familiar.split(concept, photos), changed_lines)


@app.command()
def reject(context: typer.Context, concept: Name, photo: Photo) -> None:
    """Say that a photo does not show a concept; it is never suggested there again."""
    ui = front_end(context)
    ui.show(ui.familiar.reject(concept, photo), changed_lines)


@app.command()
def confirm(
    context: typer.Context,
    concept: Name,
    photo: Annotated[str | None, typer.Argument(metavar="PHOTO", help="A path, or its number.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that is suggested.")] = False,
    face: Annotated[int | None, typer.Option(metavar="N", help="Which face, from the left.")] = None,
) -> None:
    """Say that a photo shows a concept."""
    if (photo is None) != every:
        raise UsageError(
            tried=f"confirming {concept}",
            found="both a photo and --all" if every else "neither a photo nor --all",
            fix="Give one of them.",
        )
    ui = front_end(context)
    ui.show(ui.familiar.confirm(concept, photo, face), changed_lines)


@app.command()
def hide(context: typer.Context, concept: Name) -> None:
    """Recognise, suggest and list a concept no more; nothing is deleted."""
    ui = front_end(context)
    ui.show(ui.familiar.hide(concept), changed_lines)


@app.command()
def unhide(context: typer.Context, concept: Name) -> None:
    """Undo `hide`, however long ago."""
    ui = front_end(context)
    ui.show(ui.familiar.hide(concept, hidden=False), changed_lines)


@app.command()
def feature(context: typer.Context, concept: Name, photo: Photo) -> None:
    """Choose the photo that stands for a concept."""
    ui = front_end(context)
    ui.show(ui.familiar.feature(concept, photo), changed_lines)


@app.command()
def together(
    context: typer.Context,
    photo: Photo,
    no: Annotated[bool, typer.Option("--no", help="Two faces in it are two people, as everywhere.")] = False,
) -> None:
    """Say that a photo (a mirror, a collage) may show one person more than once."""
    ui = front_end(context)
    ui.show(ui.familiar.show_twice(photo, not no), changed_lines)


@app.command()
def undo(
    context: typer.Context,
    operation: Annotated[
        int | None, typer.Argument(metavar="ID", help="Of `history`; else the last.")
    ] = None,
) -> None:
    """Take back what you did to concepts. Forgetting cannot be taken back."""
    ui = front_end(context)
    ui.show(ui.familiar.undo(operation), changed_lines)


@app.command()
def history(
    context: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=1)] = 20,
) -> None:
    """What you did to concepts, newest first."""
    ui = front_end(context)
    ui.show(ui.familiar.history(limit), history_lines)


def changed_lines(changed: Changed) -> str:
    """What was done, and the concepts as they are now."""
    from assistant.presentation.lines import concept_lines

    return "\n".join([changed.says, *([concept_lines(changed.concepts)] if changed.concepts else [])])


def history_lines(entries: Sequence[HistoryEntry]) -> str:
    """One line for each operation."""
    from assistant.presentation.lines import table

    if not entries:
        return "Nothing was done to concepts yet."
    rows = [("id", "when", "what", "about", "")]
    rows += [
        (
            str(one.id),
            one.at[:16].replace("T", " "),
            one.kind,
            ", ".join(one.about) or "–",
            "undone" if one.undone else "" if one.can_be_undone else "cannot be undone",
        )
        for one in entries
    ]
    return table(rows)
