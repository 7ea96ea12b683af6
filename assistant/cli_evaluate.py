"""`familiar evaluate …`: measures on held-out folders through the code that serves, in a home of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli import app, front_end
from personalizer.locations import Home, default_home

evaluate_app = typer.Typer(
    rich_markup_mode=None, help="Measure recognition, drawing and the backbone itself."
)
app.add_typer(evaluate_app, name="evaluate")

Subjects = Annotated[Path, typer.Option(metavar="DIR", help="One folder of photos per person, pet or thing.")]
Shots = Annotated[int, typer.Option(min=1, help="Photos that are learned from.")]
Seed = Annotated[int, typer.Option(min=0)]


@evaluate_app.command()
def recognition(
    context: typer.Context,
    subjects: Subjects,
    negatives: Annotated[Path, typer.Option(metavar="DIR", help="Photos of anything else.")],
    shots: Shots = 3,
    splits: Annotated[int, typer.Option(min=1, help="Random choices of the shots.")] = 10,
    trained_splits: Annotated[int, typer.Option(min=0, help="Of those, how many are trained too.")] = 1,
    seed: Seed = 0,
) -> None:
    """Is each one recognised, and nothing else taken for it? With its controls in the same table."""
    from assistant.evaluation.recognition import evaluate_recognition

    measure = partial(
        evaluate_recognition,
        subjects,
        negatives,
        shots=shots,
        splits=splits,
        trained_splits=trained_splits,
        seed=seed,
    )
    _run(context, measure, recognition_lines)


@evaluate_app.command()
def generation(
    context: typer.Context,
    subjects: Subjects,
    shots: Shots = 3,
    samples: Annotated[int, typer.Option(min=1, help="Pictures drawn per subject.")] = 20,
    trained_splits: Annotated[int, typer.Option(min=1, help="Random choices of the shots.")] = 1,
    seed: Seed = 0,
    sheets: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep contact sheets here.")] = None,
) -> None:
    """How much do drawn pictures look like their subject, between another subject and real photos?"""
    from assistant.evaluation.generation import evaluate_generation

    measure = partial(
        evaluate_generation,
        subjects,
        shots=shots,
        samples=samples,
        trained_splits=trained_splits,
        seed=seed,
        sheets=sheets,
    )
    _run(context, measure, generation_lines)


@evaluate_app.command()
def backbone(
    context: typer.Context,
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A training corpus; its held-out part is measured on."),
    ] = None,
    subjects: Annotated[
        Path | None, typer.Option(metavar="DIR", help="One folder of real photos per identity.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Pictures, pairs and drawings per measure.")] = 250,
    seed: Seed = 0,
) -> None:
    """What can the backbone do by itself? On pictures that it was never trained on."""
    from assistant.evaluation.backbone_report import evaluate_backbone

    _run(
        context,
        partial(evaluate_backbone, images, subjects=subjects, count=count, seed=seed),
        backbone_lines,
    )


def _run(
    context: typer.Context,
    measure: Callable[..., dict[str, Any]],
    lines: Callable[[dict[str, Any]], str],
) -> None:
    """Measure in the evaluation's home, with the backbone and device that were asked for, and show the report."""
    ui = front_end(context)
    home, backbone = evaluation_home(ui.home), ui.familiar.backbone
    report = ui.run(
        lambda on_progress: measure(home=home, backbone=backbone, device=ui.device, on_progress=on_progress)
    )
    ui.show(report, lines)


def evaluation_home(chosen: Path | None) -> Home:
    """A home apart from the user's library, unless one is given."""
    if chosen is not None:
        return Home(chosen.expanduser().absolute()).ensure()
    usual = default_home().root
    return Home(usual.with_name(f"{usual.name}-evaluation")).ensure()


ROWS = ("embedding_only", "retrieval_only", "prefix_only", "other_prefix", "no_concept", "same_class")
COLUMNS = ("weighted", "positive", "negative", "precision", "recall", "ece", "coverage_at_98", "abstained")


def recognition_lines(report: dict[str, Any]) -> str:
    """The table with its controls, one row each."""
    from assistant.cli_output import table

    measured = {"product": report, **{name: report.get(name) for name in ROWS}}
    rows: list[Sequence[str]] = [("", *COLUMNS)]
    rows += [(name, *(_number(row.get(key)) for key in COLUMNS)) for name, row in measured.items() if row]
    interval = report.get("interval")
    return table(rows) + (f"\nproduct, weighted, 95 % interval: {interval}" if interval else "")


def generation_lines(report: dict[str, Any]) -> str:
    """The numbers over all subjects."""
    return "\n".join(
        f"{key:16} {_number(value)}" for key, value in report.items() if not isinstance(value, dict)
    )


def backbone_lines(report: dict[str, Any]) -> str:
    """One line per measure, the version before beside it."""
    from assistant.cli_output import table

    now, before = flat(report), flat(report.get("previous") or {})
    rows: list[Sequence[str]] = [("", "now", "before")]
    rows += [(name, _number(value), _number(before.get(name))) for name, value in now.items()]
    return table(rows)


def flat(report: dict[str, Any], prefix: str = "") -> dict[str, object]:
    """Nested numbers by dotted name; settings and the version before are left out."""
    found: dict[str, object] = {}
    for key, value in report.items():
        if isinstance(value, dict) and key not in ("settings", "previous"):
            found |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, int | float):
            found[f"{prefix}{key}"] = value
    return found


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "–" if value is None else str(value)
