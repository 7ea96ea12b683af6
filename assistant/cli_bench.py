"""`familiar bench …`: measures speed and memory here against the usual way, in one run on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli import app, front_end

bench_app = typer.Typer(rich_markup_mode=None, help="Measure speed and memory against the usual way.")
app.add_typer(bench_app, name="bench")


@bench_app.callback()
def bench() -> None:
    """Measure speed and memory against the usual way."""


@bench_app.command()
def train(
    context: typer.Context,
    subject: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos of one thing; the sample library's without.")
    ] = None,
    negatives: Annotated[Path | None, typer.Option(metavar="DIR", help="Photos of anything else.")] = None,
    steps: Annotated[int, typer.Option(min=3, help="Of each training.")] = 60,
    repeats: Annotated[int, typer.Option(min=1, help="Trainings, each from another seed.")] = 1,
    baseline_rate: Annotated[float, typer.Option(help="Learning rate of the naive recipe.")] = 0.01,
    padded_to: Annotated[
        int | None, typer.Option(min=1, help="Fixed length of the naive recipe's examples.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """A training step, memory and the time to the same held loss, against the naive recipe."""
    from assistant.evaluation.training_benchmark import benchmark_training

    ui = front_end(context)
    report = ui.run(
        lambda on_progress: benchmark_training(
            backbone=ui.backbone,
            device=ui.device,
            steps=steps,
            repeats=repeats,
            learning_rate=baseline_rate,
            padded_to=padded_to,
            subject=subject,
            negatives=negatives,
            seed=seed,
            on_progress=on_progress,
        )
    )
    ui.show(report, training_lines)


def training_lines(report: dict[str, Any]) -> str:
    """One line per measure, ours and the baseline's."""
    from assistant.cli_output import table

    measures = {"seconds per step": report}
    measures |= {key: report[key] for key in ("peak_mib", "optimizer_bytes", "time_to_loss_s", "held_loss")}
    rows = [("", "ours", "baseline", "ratio")]
    rows += [
        (
            name,
            f"{values['ours']:.4g}",
            f"{values['baseline']:.4g}",
            f"{values['baseline'] / max(values['ours'], 1e-9):.2f}",
        )
        for name, values in measures.items()
    ]
    return table(rows)
