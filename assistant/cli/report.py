"""`familiar report`: the page of people, pets and things."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.front_end import front_end
from assistant.presentation.printable import short_path
from personalizer.errors import counted

if TYPE_CHECKING:
    from assistant.report.people_page import PeoplePage


report_app = typer.Typer(rich_markup_mode=None)


@report_app.command()
def report(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; else in the library's own folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is no earlier page.")] = False,
) -> None:
    """Write a page, one HTML file, with your people, pets and things to look at."""
    ui = front_end(context)
    page = ui.run(lambda on_progress: ui.familiar.report(out, force=force, on_progress=on_progress))
    ui.show(page, report_lines)


def report_lines(page: PeoplePage) -> str:
    """Where it is and what is on it."""
    people = counted(page.people, "person", "people")
    unnamed = page.unnamed_people + page.unnamed_things
    lines = [
        short_path(page.path),
        f"{people}, {counted(page.things, 'pet or thing', 'pets and things')}, "
        f"{counted(unnamed, 'group')} without a name; "
        f"{counted(page.pictures, 'picture')}, {page.bytes / 2**20:.1f} MiB",
    ]
    if not page.faces_on:
        lines.append("Faces are off: people are listed without pictures.")
    if not page.in_home:
        lines.append("It is outside the library's folder: forgetting somebody will not remove it.")
    return "\n".join(lines)
