"""Every command that needs no screen, put together from the files that define them, and how a command ends.

Heavy imports happen inside the commands: `familiar --help` must not pay for them.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli.answers import answers_app
from assistant.cli.backup import backup_app
from assistant.cli.bench import bench_app
from assistant.cli.chats import chats_app
from assistant.cli.concepts import concepts_app
from assistant.cli.daemon import daemon_app, service_app
from assistant.cli.evaluate import evaluate_app
from assistant.cli.faces import faces_app
from assistant.cli.folders import folders_app
from assistant.cli.front_end import FrontEnd, front_end, notify
from assistant.cli.help_panels import arrange_help
from assistant.cli.report import report_app
from assistant.cli.status import jobs_app, status_app
from assistant.cli.suggestions import suggestions_app
from personalizer.errors import FamiliarError, JobCancelled, NotReadyError, UsageError

INTERRUPTED = 130
WORK_WITHOUT_BACKBONE = ("watch", "service")
"""Commands that must not end because a drive with a backbone is away: they scan and group as well."""
HELP_OPTIONS = ("-h", "--help")
GLOBAL_FLAGS = frozenset({"--json", "--quiet"})
GLOBAL_OPTIONS = frozenset({"--home", "--backbone", "--device", "--log-level"})

app = typer.Typer(
    name="familiar",
    help="Learns the people, pets and things in your photos, on this machine.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": list(HELP_OPTIONS)},
)


@app.callback(invoke_without_command=True)
def set_global_options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Where the library lives. [env: FAMILIAR_HOME]")] = None,
    backbone: Annotated[str, typer.Option(help="The model that answers and draws.")] = "pocket",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda; for training.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    log_level: Annotated[
        str, typer.Option(help="info, or debug: then the log of `watch` names photos and people.")
    ] = "info",
) -> None:
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(tried="--device", found=repr(device), fix="Use auto, cpu or cuda.")
    if context.invoked_subcommand not in WORK_WITHOUT_BACKBONE:
        check_backbone(backbone)
    if log_level not in ("info", "debug"):
        raise UsageError(tried="--log-level", found=repr(log_level), fix="Use info or debug.")
    context.obj = FrontEnd(home, backbone, device, json, quiet, log_level)
    if context.invoked_subcommand is None:
        show_next_steps(front_end(context))


for part in (
    folders_app,
    daemon_app,
    status_app,
    concepts_app,
    answers_app,
    backup_app,
    report_app,
    suggestions_app,
):
    app.add_typer(part)
for name, group in (
    ("jobs", jobs_app),
    ("bench", bench_app),
    ("service", service_app),
    ("evaluate", evaluate_app),
    ("faces", faces_app),
    ("chats", chats_app),
):
    app.add_typer(group, name=name)


def check_backbone(backbone: str) -> None:
    """Raises NotReadyError where there is no such backbone: now, not when something needs it."""
    from personalizer.backbones.registry import POCKET

    if backbone != POCKET and not Path(backbone).expanduser().is_dir():
        raise NotReadyError(
            tried=f"--backbone {backbone}",
            found="there is no backbone of that name, and no such folder",
            fix=f"Give the folder of a checkpoint, or leave it out: {POCKET} ships.",
        )


def show_next_steps(ui: FrontEnd) -> None:
    """What `familiar` without a command says: what can be done next in this home."""
    from assistant.presentation.lines import next_step_lines

    ui.show({"next": ui.familiar.next_steps()}, lambda found: next_step_lines(found["next"]))


def run_app(application: typer.Typer, arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; the one place where errors become messages."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name need not be UTF-8, and the terminal need not know every letter.
            stream.reconfigure(errors="backslashreplace")
    ordered = global_options_first(arguments)
    as_json = "--json" in ordered
    interrupted = FamiliarError(
        tried="running the command", found="interrupted", fix="Run it again to go on where it stopped."
    )
    try:
        commands = typer.main.get_command(application)
        if application is app and any(option in ordered for option in HELP_OPTIONS):
            arrange_help(commands)
        outcome: Any = commands.main(ordered, "familiar", standalone_mode=False)
        if outcome != INTERRUPTED:
            return outcome if isinstance(outcome, int) else 0
        _report(interrupted, as_json)
    except typer.TyperException as error:
        fix = "See `familiar --help`, or `familiar COMMAND --help`."
        return _report(
            UsageError(tried="reading the command", found=error.format_message(), fix=fix), as_json
        )
    except FamiliarError as error:
        return _report(error, as_json)
    except (KeyboardInterrupt, typer.Abort, JobCancelled):
        _report(interrupted, as_json)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); nothing is left to say, and nowhere to say it.
        sys.stderr.close()
        return FamiliarError.exit_code
    except Exception as error:
        import traceback

        from assistant.presentation.printable import printable
        from personalizer.storage_errors import storage_error

        refused = storage_error(error)
        if refused is not None:
            return _report(refused, as_json)
        typer.echo(printable(traceback.format_exc()), err=True)
        found = f"{type(error).__name__}: {error}"
        fix = "This is a mistake in Familiar; the lines above say where."
        return _report(FamiliarError(tried="running the command", found=found, fix=fix), as_json)
    return INTERRUPTED


def _report(error: FamiliarError, as_json: bool) -> int:
    from assistant.presentation.lines import error_document, error_lines, to_json

    if as_json:
        typer.echo(to_json(error_document(error)))
    notify(error_lines(error))
    return error.exit_code


def global_options_first(arguments: Sequence[str]) -> list[str]:
    """Allow `familiar describe x.jpg --json`: move the global options before the command."""
    moved: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        option, has_value, _ = argument.partition("=")
        if argument == "--":
            rest += [argument, *remaining]
        elif argument in GLOBAL_FLAGS or (has_value and option in GLOBAL_OPTIONS):
            moved.append(argument)
        elif argument in GLOBAL_OPTIONS:
            moved += [argument, *([value] if (value := next(remaining, None)) is not None else [])]
        else:
            rest.append(argument)
    return moved + rest
