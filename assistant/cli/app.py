"""Every command that needs no screen. Parses arguments, calls the façade, prints; decides nothing else.

Heavy imports happen inside the commands: `familiar --help` must not pay for them.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.front_end import FrontEnd, NoFaces, Yes, front_end
from personalizer.errors import FamiliarError, JobCancelled, UsageError

if TYPE_CHECKING:
    pass

INTERRUPTED = 130
GLOBAL_FLAGS = frozenset({"--json", "--quiet"})
GLOBAL_OPTIONS = frozenset({"--home", "--backbone", "--device", "--log-level"})

app = typer.Typer(
    name="familiar",
    help="Learns the people, pets and things in your photos, on this machine.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
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
    if log_level not in ("info", "debug"):
        raise UsageError(tried="--log-level", found=repr(log_level), fix="Use info or debug.")
    context.obj = FrontEnd(home, backbone, device, json, quiet, log_level)


@app.command()
def add(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders.")],
    yes: Yes = False,
    no_faces: NoFaces = False,
) -> None:
    """Register folders of photos and scan them."""
    from assistant.cli.daemon import add_folders

    add_folders(front_end(context), paths, yes=yes, no_faces=no_faces)


@app.command()
def scan(
    context: typer.Context,
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="What is gone was deleted, however much it is.")
    ] = False,
    roots: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[ROOT]...", help="With --accept-missing: in these folders only."),
    ] = None,
) -> None:
    """Bring the library up to date with its folders, once."""
    from assistant.cli.folders import scan_folders

    scan_folders(front_end(context), roots or [], accept_missing=accept_missing)


@app.command()
def exclude(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATTERN]...", help="Such as Screenshots, '*.png', Scans/2019."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take these patterns back.")] = False,
) -> None:
    """Leave files and folders out of the library; without a pattern, list what is left out."""
    from assistant.cli.folders import exclude_patterns

    exclude_patterns(front_end(context), patterns or [], remove=remove)


@app.command()
def rebuild_index(context: typer.Context) -> None:
    """Make the vector index anew from the library, when it is damaged."""
    ui = front_end(context)
    rebuilt = {**ui.run(ui.familiar.rebuild_index), "path": ui.familiar.home.chroma}
    ui.show(rebuilt, lambda result: f"{result['indexed']} vectors in {result['path']}")


@app.command()
def watch(
    context: typer.Context,
    patience: Annotated[float, typer.Option(metavar="S", min=0, help="Wait for another worker.")] = 30.0,
    no_training: Annotated[
        bool, typer.Option("--no-training", help="Train nothing on its own this time.")
    ] = False,
    yes: Yes = False,
    no_faces: NoFaces = False,
) -> None:
    """Stay in the foreground as the worker: watch the folders, run the waiting jobs, train when idle."""
    from assistant.cli.daemon import watch_folders

    watch_folders(
        front_end(context), patience_s=patience, training=not no_training, yes=yes, no_faces=no_faces
    )


Live = Annotated[bool, typer.Option("--watch", help="Again every second, until Ctrl-C.")]


@app.command()
def status(context: typer.Context, live: Live = False) -> None:
    """What is in the library and what is going on."""
    from assistant.cli.status import show_status

    show_status(front_end(context), live=live)


jobs_app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
app.add_typer(jobs_app, name="jobs")


@jobs_app.callback(help="What is running, waiting and failed.")
def jobs(context: typer.Context, live: Live = False) -> None:
    from assistant.cli.status import show_jobs

    if context.invoked_subcommand is None:
        show_jobs(front_end(context), live=live)


@jobs_app.command()
def retry(context: typer.Context, job_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Queue a failed, quarantined or cancelled job again; or try a photo again: its ID or path, or all `photos`."""
    from assistant.presentation.lines import job_line

    ui = front_end(context)
    ui.show(ui.familiar.retry(job_id), job_line)


@app.command()
def pause(context: typer.Context) -> None:
    """Start no further job until `resume`."""
    ui = front_end(context)
    ui.show(ui.familiar.pause(), lambda _: "Paused. `familiar resume` goes on.")


@app.command()
def resume(context: typer.Context) -> None:
    """Undo `pause`."""
    ui = front_end(context)
    ui.show(ui.familiar.resume(), lambda _: "Going on.")


@app.command()
def concepts(context: typer.Context) -> None:
    """The people, pets and things that were found, named or not."""
    from assistant.presentation.lines import concept_lines

    ui = front_end(context)
    ui.show(ui.familiar.concepts(), concept_lines)


@app.command()
def name(
    context: typer.Context,
    concept_id: Annotated[int, typer.Argument(metavar="ID")],
    new_name: Annotated[str, typer.Argument(metavar="NAME")],
) -> None:
    """Name a concept."""
    from assistant.presentation.lines import concept_lines

    ui = front_end(context)
    ui.show(ui.familiar.name(concept_id, new_name), lambda concept: concept_lines([concept]))


@app.command()
def merge(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="Stays; an id or a name.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Joins A.")],
) -> None:
    """Say that two concepts are the same one."""
    from assistant.presentation.lines import concept_lines

    ui = front_end(context)
    ui.show(ui.familiar.merge(first, second), lambda concept: concept_lines([concept]))


@app.command()
def remember(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Such as: afraid of water")],
) -> None:
    """Keep something about a concept in your own words."""
    from assistant.presentation.lines import profile_lines

    ui = front_end(context)
    ui.show(ui.familiar.remember(concept, text), profile_lines)


@app.command()
def profile(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME")],
    remove: Annotated[int | None, typer.Option(metavar="N", help="Take back number N.")] = None,
) -> None:
    """What you told about a concept."""
    from assistant.presentation.lines import profile_lines

    familiar = front_end(context).familiar
    found = familiar.profile(concept) if remove is None else familiar.take_back(concept, remove)
    front_end(context).show(found, profile_lines)


@app.command()
def learn(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME")],
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Three to five are enough.")],
    background: Annotated[
        bool, typer.Option("--background", help="Do not wait for the training: it is recognised at once.")
    ] = False,
    yes: Yes = False,
    no_faces: NoFaces = False,
) -> None:
    """Make a concept from these photos and train it."""
    from assistant.presentation.lines import learning_lines, trained_lines
    from assistant.setup.consent import settle_consent

    ui = front_end(context)
    settle_consent(ui.familiar.library, ui.asking(), yes=yes, no_faces=no_faces)
    if background:
        begun = ui.run(lambda on_progress: ui.familiar.begin_learning(concept, photos, on_progress))
        ui.show(begun, learning_lines)
        return
    ui.show(ui.run(lambda on_progress: ui.familiar.learn(concept, photos, on_progress)), trained_lines)


@app.command()
def train(context: typer.Context, concept: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Train a named concept, so that it can be described and drawn."""
    from assistant.presentation.lines import trained_lines

    ui = front_end(context)
    ui.show(ui.run(lambda on_progress: ui.familiar.train(concept, on_progress)), trained_lines)


@app.command()
def forget(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME", help="A name, or the number of an unnamed one.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again; for scripts.")] = False,
    backups: Annotated[bool, typer.Option("--backups", help="Delete the backups that hold it, too.")] = False,
) -> None:
    """Forget a person, pet or thing for good: all that was learned and recorded. Photos stay."""
    from assistant.presentation.lines import forgotten_lines
    from assistant.presentation.replies import before_forgetting

    ui = front_end(context)
    found = ui.familiar.concept(concept)
    name = found.name or str(found.id)
    typed = name
    if not yes:
        typer.echo(before_forgetting(name), err=True)
        typer.echo("> ", err=True, nl=False)
        typed = sys.stdin.readline()
    done = ui.run(lambda on_progress: ui.familiar.forget(concept, typed, on_progress, backups=backups))
    ui.show(done, forgotten_lines)


@app.command()
def describe(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO")],
    ask: Annotated[str | None, typer.Option("--ask", metavar="TEXT", help="A question about it.")] = None,
) -> None:
    """Say what and who is in a photo, or answer a question about it."""
    from assistant.presentation.lines import description_lines

    ui = front_end(context)
    ui.show(ui.run(lambda on_progress: ui.familiar.describe(photo, ask, on_progress)), description_lines)


@app.command()
def imagine(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A .png file, or a folder.")] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="The same seed draws the same picture.")
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", min=1, max=64)] = 1,
) -> None:
    """Draw a picture, with any named concepts in it."""
    from assistant.presentation.lines import imagined_lines

    ui = front_end(context)
    drawn = ui.run(lambda on_progress: ui.familiar.imagine(text, out, seed, count, on_progress))
    ui.show(drawn, imagined_lines)


@app.command()
def route(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    photo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A photo that comes with the request.")
    ] = None,
) -> None:
    """Say which tool the chat would give a request to; does nothing else."""
    from assistant.chat.router.route import route as choose
    from assistant.cli.route import route_lines
    from assistant.presentation.lines import as_data

    ui = front_end(context)
    found = choose(ui.familiar.parse(text), [str(photo)] if photo else [])
    # The words are parsed parts of the slots, which say the same.
    shown = {name: value for name, value in as_data(found).items() if name != "words"}
    ui.show(shown, lambda _shown: route_lines(found))


@app.command()
def doctor(context: typer.Context) -> None:
    """Check that everything that is needed is there."""
    from assistant.presentation.lines import check_lines

    ui = front_end(context)
    checks = ui.familiar.doctor()
    ui.show({"checks": checks}, lambda found: check_lines(found["checks"]))
    if any(check.required and not check.ok for check in checks):
        raise typer.Exit(FamiliarError.exit_code)


def run_app(application: typer.Typer, arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; the one place where errors become messages."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name need not be UTF-8, and the terminal need not know every letter.
            stream.reconfigure(errors="backslashreplace")
    ordered = global_options_first(arguments) or ["--help"]
    as_json = "--json" in ordered
    interrupted = FamiliarError(
        tried="running the command", found="interrupted", fix="Run it again to go on where it stopped."
    )
    try:
        outcome: Any = typer.main.get_command(application).main(ordered, "familiar", standalone_mode=False)
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
    typer.echo(error_lines(error), err=True)
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
