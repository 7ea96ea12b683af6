"""The global options of a command, and how its result is shown. Defines no command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from assistant.service.familiar import Familiar
    from personalizer.schemas import OnProgress


Result = TypeVar("Result")


@dataclass
class FrontEnd:
    """What the global options say."""

    home: Path | None
    backbone: str
    device: str
    json: bool
    quiet: bool
    log_level: str = "info"

    @cached_property
    def familiar(self) -> Familiar:
        from assistant.service.familiar import Familiar
        from personalizer.home import Home, default_home

        home = Home(self.home.expanduser().absolute()) if self.home else default_home()
        return Familiar(home, backbone=self.backbone, device=self.device)

    def run(self, work: Callable[[OnProgress], Result]) -> Result:
        """Do `work` with progress on standard error."""
        from assistant.presentation.progress import shown_progress

        with shown_progress(quiet=self.quiet) as on_progress:
            return work(on_progress)

    def asking(self) -> bool:
        """Whether somebody is there who can be asked."""
        return not self.json and sys.stdin.isatty() and sys.stderr.isatty()

    def show(self, result: Result, lines: Callable[[Result], str], *, drawn: bool = False) -> None:
        """Print a result as JSON or for a person.

        `drawn`: the lines hold pictures in the terminal's own codes, and made everything else printable.
        """
        from assistant.presentation.lines import to_json
        from assistant.presentation.printable import printable

        if self.json:
            typer.echo(to_json(result))
        else:
            typer.echo(lines(result) if drawn else printable(lines(result)))


def front_end(context: typer.Context) -> FrontEnd:
    """The global options of the running command."""
    found = context.find_object(FrontEnd)
    if found is None:
        raise RuntimeError("a command ran without the global options")
    return found


Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether faces may be recognised: they may.")]


NoFaces = Annotated[bool, typer.Option("--no-faces", help="Look for no faces, now and later.")]
