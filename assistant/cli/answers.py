"""`familiar describe`, `find`, `imagine`, `route`, and `mcp`, which lets other programs ask and draw."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.front_end import front_end

if TYPE_CHECKING:
    from assistant.chat.router.route import Route

answers_app = typer.Typer(rich_markup_mode=None)


class PainterName(StrEnum):
    """Who makes a picture."""

    AUTO = "auto"
    MONTAGE = "montage"
    BACKBONE = "backbone"


@answers_app.command()
def describe(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO")],
    ask: Annotated[str | None, typer.Option("--ask", metavar="TEXT", help="A question about it.")] = None,
    why: Annotated[bool, typer.Option("--why", help="Also say what each name rests on.")] = False,
) -> None:
    """Say what and who is in a photo, or answer a question about it."""
    from assistant.presentation.description_lines import description_lines

    ui = front_end(context)
    described = ui.run(lambda _on_progress: ui.familiar.describe(photo, ask))
    ui.show(described, lambda description: description_lines(description, why=why))


@answers_app.command()
def find(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="List so many; 20 without it, all with --json.")
    ] = None,
) -> None:
    """Find photos by who and what is in them, when, where, what they show, and what is written about them."""
    from assistant.presentation.found_lines import LISTED, found_lines

    ui = front_end(context)
    found = ui.run(lambda _on_progress: ui.familiar.find(text, limit))
    ui.show(found, lambda shown: found_lines(shown, limit or LISTED))


@answers_app.command()
def imagine(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A .png file, or a folder.")] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="The same seed draws the same picture.")
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", min=1, max=64)] = 1,
    painter: Annotated[
        PainterName,
        typer.Option(
            help="montage: cut out of your photos; backbone: drawn by the model; auto: montage of a name."
        ),
    ] = PainterName.AUTO,
) -> None:
    """Make a picture, with any named people, pets and things in it."""
    from assistant.presentation.lines import imagined_lines

    ui = front_end(context)
    drawn = ui.run(
        lambda on_progress: ui.familiar.imagine(text, out, seed, count, on_progress, painter.value)
    )
    ui.show(drawn, imagined_lines)


@answers_app.command()
def route(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    photo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A photo that comes with the request.")
    ] = None,
) -> None:
    """Say which tool the chat would give a request to; does nothing else."""
    from assistant.chat.router.route import route as choose
    from assistant.presentation.lines import as_data

    ui = front_end(context)
    found = choose(ui.familiar.parse(text), [str(photo)] if photo else [])
    # The words are parsed parts of the slots, which say the same.
    shown = {name: value for name, value in as_data(found).items() if name != "words"}
    ui.show(shown, lambda _shown: route_lines(found))


def route_lines(found: Route) -> str:
    slots = ", ".join(f"{name}={value!r}" for name, value in found.slots.items()) or "none"
    return "\n".join(
        [
            f"intent      {found.intent}",
            f"slots       {slots}",
            f"confidence  {found.confidence:.2f} ({found.source}, {found.elapsed_ms:.2f} ms)",
        ]
    )


@answers_app.command()
def mcp(context: typer.Context) -> None:
    """Serve the tools to a program that speaks MCP (Model Context Protocol), over standard input and output."""
    from assistant.mcp.installed import missing_for_mcp

    missing = missing_for_mcp()
    if missing is not None:
        raise missing
    from assistant.mcp.server import serve

    ui = front_end(context)
    if sys.stdin.isatty():
        ui.note(
            "Serving MCP on standard input and output, for a program that starts this command. Ctrl-C ends it."
        )
    raise typer.Exit(serve(ui.familiar))
