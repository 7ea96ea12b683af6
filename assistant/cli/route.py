"""`familiar route`: which tool the chat would give a request to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.front_end import front_end

if TYPE_CHECKING:
    from assistant.chat.router.route import Route

route_app = typer.Typer(rich_markup_mode=None)


@route_app.command()
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
