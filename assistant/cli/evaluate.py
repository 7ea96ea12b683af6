"""`familiar evaluate …`: measures on held-out folders through the code that serves, in a home of its own."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.front_end import front_end
from assistant.evaluation.report import tables
from personalizer.errors import FamiliarError, UsageError
from personalizer.home import Home, default_home

if TYPE_CHECKING:
    from assistant.evaluation.report.report import Kind

evaluate_app = typer.Typer(
    rich_markup_mode=None,
    help="Measure recognition, drawing, grouping, what a concept costs, and the backbone itself.",
)

Subjects = Annotated[Path, typer.Option(metavar="DIR", help="One folder of photos per person, pet or thing.")]
Shots = Annotated[int, typer.Option(min=1, help="Photos that are learned from.")]
Negatives = Annotated[Path, typer.Option(metavar="DIR", help="Photos of anything else.")]
Splits = Annotated[int, typer.Option(min=1, help="Random choices of the shots.")]
Seed = Annotated[int, typer.Option(min=0)]
Images = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A training corpus; its held-out part is measured on.")
]
Report = Annotated[Path | None, typer.Option(metavar="DIR", help="Also write report.md and diagrams there.")]


@evaluate_app.command()
def recognition(
    context: typer.Context,
    subjects: Subjects,
    negatives: Negatives,
    shots: Shots = 3,
    splits: Splits = 10,
    trained_splits: Annotated[int, typer.Option(min=0, help="Of those, how many are trained too.")] = 1,
    together: Annotated[
        bool, typer.Option("--together", help="Ask with two concepts in one prompt as well.")
    ] = False,
    backgrounds: Annotated[
        bool,
        typer.Option("--backgrounds", help="Ask about photos on other grounds, and grounds alone, as well."),
    ] = False,
    seed: Seed = 0,
    report: Report = None,
) -> None:
    """Is each one recognised, and nothing else taken for it? With its controls in the same table."""
    from assistant.evaluation.recognition.recognition import evaluate_recognition

    measure = partial(
        evaluate_recognition,
        subjects,
        negatives,
        shots=shots,
        splits=splits,
        trained_splits=trained_splits,
        together=together,
        backgrounds=backgrounds,
        seed=seed,
    )
    _run(context, measure, recognition_lines, "recognition", report)


@evaluate_app.command()
def generation(
    context: typer.Context,
    subjects: Subjects,
    shots: Shots = 3,
    samples: Annotated[int, typer.Option(min=1, help="Pictures drawn per subject.")] = 20,
    trained_splits: Splits = 1,
    seed: Seed = 0,
    sheets: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep contact sheets here.")] = None,
    report: Report = None,
) -> None:
    """How much do drawn pictures look like their subject, between another subject and real photos?"""
    from assistant.evaluation.drawing.generation import evaluate_generation

    measure = partial(
        evaluate_generation,
        subjects,
        shots=shots,
        samples=samples,
        trained_splits=trained_splits,
        seed=seed,
        sheets=sheets or (report / "contact_sheets" if report else None),
    )
    _run(context, measure, generation_lines, "generation", report)


@evaluate_app.command()
def shots(
    context: typer.Context,
    subjects: Subjects,
    negatives: Negatives,
    shots: Annotated[str, typer.Option(metavar="N,N…", help="Numbers of photos to learn from.")] = "1,2,3,4",
    splits: Splits = 10,
    trained_splits: Annotated[
        int, typer.Option(min=0, help="Of those, how many are trained too, for every number of photos.")
    ] = 0,
    seed: Seed = 0,
    report: Report = None,
) -> None:
    """How much better is it with more photos? Every row is tested on the same ones."""
    from assistant.evaluation.recognition.shots import evaluate_shots

    measure = partial(
        evaluate_shots,
        subjects,
        negatives,
        shots=_numbers(shots),
        splits=splits,
        trained_splits=trained_splits,
        seed=seed,
    )
    _run(context, measure, shots_lines, "shots", report)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(
            tried="reading --shots", found=repr(text), fix="Give whole numbers with commas between: 1,2,3,4."
        ) from error


@evaluate_app.command()
def retention(
    context: typer.Context,
    subjects: Subjects,
    images: Images = None,
    shots: Shots = 3,
    trained_splits: Splits = 1,
    count: Annotated[int, typer.Option(min=1, help="Pictures or questions per measure.")] = 100,
    seed: Seed = 0,
    report: Report = None,
) -> None:
    """What does a personal prompt cost the backbone? Asked about things that have nothing to do with it."""
    from assistant.evaluation.drawing.retention import evaluate_retention

    measure = partial(
        evaluate_retention,
        subjects,
        images=images,
        shots=shots,
        trained_splits=trained_splits,
        count=count,
        seed=seed,
    )
    _run(context, measure, retention_lines, "retention", report)


@evaluate_app.command()
def ablation(
    context: typer.Context,
    subjects: Subjects,
    negatives: Negatives,
    shots: Shots = 3,
    trained_splits: Splits = 1,
    samples: Annotated[int, typer.Option(min=1, help="Pictures drawn per subject.")] = 20,
    variants: Annotated[
        str, typer.Option(metavar="NAME,NAME…", help="Only these ways of training, beside the full one.")
    ] = "",
    seed: Seed = 0,
    report: Report = None,
) -> None:
    """What does each part of the training do? The same concepts trained without it, and in other ways."""
    from assistant.evaluation.ablation.ablation import evaluate_ablation

    measure = partial(
        evaluate_ablation,
        subjects,
        negatives,
        variants=[name.strip() for name in variants.split(",") if name.strip()],
        shots=shots,
        samples=samples,
        trained_splits=trained_splits,
        seed=seed,
    )
    _run(context, measure, ablation_lines, "ablation", report)


@evaluate_app.command()
def backbone(
    context: typer.Context,
    images: Images = None,
    subjects: Annotated[
        Path | None, typer.Option(metavar="DIR", help="One folder of real photos per identity.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Pictures, pairs and drawings per measure.")] = 250,
    seed: Seed = 0,
) -> None:
    """What can the backbone do by itself? On pictures that it was never trained on."""
    from assistant.evaluation.drawing.backbone_report import evaluate_backbone

    _run(
        context,
        partial(evaluate_backbone, images, subjects=subjects, count=count, seed=seed),
        backbone_lines,
    )


@evaluate_app.command()
def clusters(
    context: typer.Context,
    faces: Annotated[
        Path | None, typer.Option(metavar="DIR", help="One folder of photos per person.")
    ] = None,
    objects: Annotated[
        Path | None, typer.Option(metavar="DIR", help="One folder of photos per pet or thing.")
    ] = None,
    negatives: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos of anything else, among the objects.")
    ] = None,
    orders: Annotated[int, typer.Option(min=0, help="Shuffled orders in which photos come in.")] = 5,
    synthetic: Annotated[
        int, typer.Option(metavar="N", min=0, help="Also group N people who do not exist, and siblings.")
    ] = 0,
    seed: Seed = 0,
    report: Report = None,
) -> None:
    """Are the photos of each one together, with nothing else among them? At once, and as photos come in."""
    from assistant.evaluation.recognition.clusters import evaluate_clusters

    measure = partial(
        evaluate_clusters, faces, objects, negatives, orders=orders, synthetic=synthetic, seed=seed
    )
    _run(context, measure, clusters_lines, "clusters", report)


def _run(
    context: typer.Context,
    measure: Callable[..., dict[str, Any]],
    lines: Callable[[dict[str, Any]], str],
    kind: Kind | None = None,
    folder: Path | None = None,
) -> None:
    """Measure in the evaluation's home, with the backbone and device that were asked for, and show what was found.

    With a `folder`, also write the report of that `kind`; where that fails, the numbers are shown all the same.
    """
    from assistant.evaluation.report.report import prepare_report_folder, write_report
    from assistant.presentation.lines import error_document, error_lines

    ui = front_end(context)
    if folder is not None:
        prepare_report_folder(folder)
    home, backbone = evaluation_home(ui.home), ui.familiar.backbone
    found = ui.run(
        lambda on_progress: measure(home=home, backbone=backbone, device=ui.device, on_progress=on_progress)
    )
    failure: FamiliarError | None = None
    if folder is not None and kind is not None:
        try:
            found["report"] = list(map(str, write_report(kind, found, folder, command_line(context))))
        except FamiliarError as error:
            # In the same document: there must be one, and it must have the numbers.
            failure, found = error, found | error_document(error)
    ui.show(found, lines)
    if failure is not None:
        typer.echo(error_lines(failure), err=True)
        raise typer.Exit(failure.exit_code)
    if folder is not None:
        typer.echo(f"Report: {folder / 'report.md'}", err=True)


def command_line(context: typer.Context) -> str:
    """The command that runs here, with what was given on the command line and nothing else."""
    words: list[str] = []
    current: Any = context
    while current is not None:
        given = []
        for parameter in current.command.params:
            source = current.get_parameter_source(parameter.name)
            if source is not None and source.name == "COMMANDLINE":
                value = current.params[parameter.name]
                given += [max(parameter.opts, key=len), *([] if value is True else [str(value)])]
        words = [current.info_name or "", *given, *words]
        current = current.parent
    return shlex.join(words)


def evaluation_home(chosen: Path | None) -> Home:
    """A home apart from the user's library, unless one is given."""
    if chosen is not None:
        return Home(chosen.expanduser().absolute()).ensure()
    usual = default_home().root
    return Home(usual.with_name(f"{usual.name}-evaluation")).ensure()


def recognition_lines(report: dict[str, Any]) -> str:
    from assistant.presentation.lines import table

    shown = [tables.recognition_table(report), tables.background_table(report)]
    return "\n\n".join(table(rows) for rows in shown if rows)


def generation_lines(report: dict[str, Any]) -> str:
    from assistant.presentation.lines import table

    rest = ("copy_rate", "prompt_fidelity", "encoder", "concepts_without_room")
    lines = [f"{key:22} {tables.number(report[key])}" for key in rest]
    places = table(tables.fidelity_table(report))
    return "\n".join([table(tables.generation_table(report)), "", *lines, "", places])


def shots_lines(report: dict[str, Any]) -> str:
    from assistant.presentation.lines import table

    skipped = report["settings"]["skipped_subjects"]
    note = f"\ntoo few photos: {', '.join(skipped)}" if skipped else ""
    return table(tables.shots_table(report)) + note


def retention_lines(report: dict[str, Any]) -> str:
    from assistant.presentation.lines import table

    same = {True: "identical", False: "NOT identical", None: "not measured"}[report["identical_without_name"]]
    return f"{table(tables.retention_table(report))}\noutputs that name no concept: {same}"


def ablation_lines(report: dict[str, Any]) -> str:
    from assistant.presentation.lines import table

    return table(tables.ablation_table(report))


def clusters_lines(report: dict[str, Any]) -> str:
    from assistant.presentation.lines import table

    shown = [tables.clusters_table(report), tables.siblings_table(report)]
    return "\n\n".join(table(rows) for rows in shown if rows)


def backbone_lines(report: dict[str, Any]) -> str:
    from assistant.presentation.lines import table

    return table(tables.backbone_table(report))
