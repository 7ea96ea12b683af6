"""`familiar suggestions`: photos that may show somebody or something with a name, listed or asked about one by one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.front_end import FrontEnd, fit, front_end
from personalizer.errors import FamiliarError, counted

if TYPE_CHECKING:
    from assistant.results import Suggestion

suggestions_app = typer.Typer(rich_markup_mode=None)
_COLUMNS = 24
_PICTURES = 9
"""Of each concept, in a list."""
_KEYS = "y = yes, n = no, s = skip, q = quit: "


@suggestions_app.command()
def suggestions(
    context: typer.Context,
    concept: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of this one only.")] = None,
    only_list: Annotated[bool, typer.Option("--list", help="List them; ask nothing.")] = False,
) -> None:
    """Photos that may show somebody or something you named: asked about one by one on a terminal, else listed."""
    ui = front_end(context)
    found = ui.familiar.suggestions(concept)
    if found and not only_list and ui.asking() and sys.stdout.isatty():
        review(ui, found)
        return
    ui.show(found, lambda shown: listed(shown, pictures=shows_pictures()), drawn=True)


def listed(found: Sequence[Suggestion], *, pictures: bool) -> str:
    """The list, with small pictures where `pictures`."""
    from assistant.presentation.printable import percent, printable
    from assistant.presentation.suggestion_lines import suggestion_lines
    from assistant.presentation.thumbnails import rows_of, thumbnail

    width = shutil.get_terminal_size().columns
    rows = []
    if pictures:
        for _, some in groupby(found, key=lambda one: one.concept):
            drawn = [
                (lines, printable(f"{percent(one.probability or 0)} {one.photo.name}"))
                for one in list(some)[:_PICTURES]
                if (lines := thumbnail(one.photo, one.box, _COLUMNS))
            ]
            rows.append(rows_of(drawn, _COLUMNS, width))
    # The pictures' own codes must stay what they are, and their lines whole.
    marks = [f"<{number}>" for number in range(len(rows))]
    lines = fit(printable(suggestion_lines(found, marks)), sys.stdout).split("\n")
    drawings = dict(zip(marks, rows, strict=True))
    return "\n".join(drawings.get(line, line) for line in lines)


def review(ui: FrontEnd, found: Sequence[Suggestion]) -> None:
    """Ask about one after the other, and keep each answer at once."""
    from assistant.presentation.printable import printable, short_path
    from assistant.presentation.suggestion_lines import is_this
    from assistant.presentation.thumbnails import thumbnail

    yes = no = 0
    for suggestion in found:
        if not ui.familiar.still_waits(suggestion):
            continue
        if shows_pictures():
            typer.echo("\n".join(["", *thumbnail(suggestion.photo, suggestion.box, _COLUMNS)]))
        asked = f"{is_this(suggestion)}\n{short_path(suggestion.photo)}"
        typer.echo(fit(printable(asked), sys.stdout))
        answer = _key()
        if answer == "q":
            break
        try:
            if answer == "y":
                ui.familiar.confirm(suggestion.concept, str(suggestion.photo))
                yes += 1
            elif answer == "n":
                ui.familiar.reject(suggestion.concept, str(suggestion.photo))
                no += 1
        except FamiliarError as error:
            typer.echo(fit(printable(f"Not kept: {error.found}. {error.fix}"), sys.stdout))
    left = len(ui.familiar.suggestions(found[0].concept if _about_one(found) else None))
    waits = "wait" if left != 1 else "waits"
    typer.echo(f"{counted(yes, 'yes', 'yes')}, {counted(no, 'no', 'no')}; {counted(left, 'photo')} {waits}.")
    if yes or no:
        typer.echo("To take the last answer back: familiar undo")


def shows_pictures() -> bool:
    """Whether the output is a terminal that can be expected to show colours."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") == "dumb"
    return sys.stdout.isatty() and not plain


def _about_one(found: Sequence[Suggestion]) -> bool:
    return len({one.concept for one in found}) == 1


def _key() -> str:
    """`y`, `n`, `s` or `q`; the end of the input is `q`."""
    while True:
        typer.echo(_KEYS, nl=False)
        line = sys.stdin.readline()
        answer = line.strip().casefold()[:1]
        if not line:
            return "q"
        if answer in ("y", "n", "s", "q", ""):
            return answer or "s"
