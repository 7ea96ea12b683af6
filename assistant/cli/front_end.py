"""The global options of a command, and how its result is shown. Defines no command."""

from __future__ import annotations

import dataclasses
import inspect
import shutil
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

if TYPE_CHECKING:
    from assistant.service.familiar import Familiar
    from personalizer.schemas import OnProgress


Result = TypeVar("Result")
Options = TypeVar("Options")


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

    def note(self, text: str) -> None:
        """Say something on standard error; where a bar is shown there, rich puts it above, unlike what click writes."""
        from assistant.presentation.printable import printable

        if not self.quiet:
            print(fit(printable(text), sys.stderr), file=sys.stderr, flush=True)

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
            typer.echo(lines(result) if drawn else fit(printable(lines(result)), sys.stdout))


def fit(text: str, stream: TextIO) -> str:
    """`text` broken between words where `stream` is a terminal; elsewhere as it is."""
    if not stream.isatty():
        return text
    from assistant.presentation.printable import wrapped

    return wrapped(text, shutil.get_terminal_size().columns)


def notify(text: str) -> None:
    """Say `text` to the person, on standard error: what is said there is no result."""
    from assistant.presentation.printable import printable

    typer.echo(fit(printable(text), sys.stderr), err=True)


def front_end(context: typer.Context) -> FrontEnd:
    """The global options of the running command."""
    found = context.find_object(FrontEnd)
    if found is None:
        raise RuntimeError("a command ran without the global options")
    return found


Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether faces may be recognised: they may.")]


NoFaces = Annotated[bool, typer.Option("--no-faces", help="Look for no faces, now and later.")]


def with_options(
    record: type[Options],
) -> Callable[[Callable[[typer.Context, Options], None]], Callable[..., None]]:
    """Make a command of `function(context, options)`: its options are the fields of a dataclass.

    A field's metadata may have `help`, `metavar` and `min`.
    """
    hints = typing.get_type_hints(record)

    def decorate(function: Callable[[typer.Context, Options], None]) -> Callable[..., None]:
        def command(context: typer.Context, **values: Any) -> None:
            function(context, record(**values))

        fields = _own_first(record)
        given = {
            field.name: Annotated[hints[field.name], typer.Option(**_option(field.metadata))]
            for field in fields
        }
        defaults = {field.name: _default(field) for field in fields}
        parameters = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=defaults[name])
            for name, kind in given.items()
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {"context": typer.Context, **given}
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        return command

    return decorate


def _own_first(record: type[Any]) -> list[dataclasses.Field[Any]]:
    """The fields as `--help` lists them: what this record adds before what all of its kind have."""
    fields = dataclasses.fields(record)
    inherited = {
        name
        for base in record.__mro__[1:]
        if dataclasses.is_dataclass(base)
        for name in base.__dataclass_fields__
    }
    return sorted(fields, key=lambda field: field.name in inherited)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default


def _option(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: metadata[name] for name in ("help", "metavar", "min") if metadata.get(name) not in (None, "")
    }
