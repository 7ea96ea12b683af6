"""`familiar bench …`: measures speed and memory here against the usual way, in one run on one machine."""

from __future__ import annotations

from typing import Any

import typer

from assistant.cli.evaluate import evaluation_home
from assistant.cli.front_end import front_end, with_options
from assistant.evaluation.data.options import (
    EvaluationRun,
    FindBenchOptions,
    IngestOptions,
    TrainingBenchOptions,
)

bench_app = typer.Typer(rich_markup_mode=None, help="Measure speed and memory against the usual way.")


@bench_app.callback()
def bench() -> None:
    """Measure speed and memory against the usual way."""


@bench_app.command()
@with_options(TrainingBenchOptions)
def train(context: typer.Context, options: TrainingBenchOptions) -> None:
    """A training step, memory and the time to the same held loss, against the naive recipe."""
    from assistant.evaluation.bench.training import benchmark_training

    ui = front_end(context)
    home = evaluation_home(ui.home)
    report = ui.run(
        lambda on_progress: benchmark_training(
            options, EvaluationRun(home, ui.backbone, ui.device, on_progress)
        )
    )
    ui.show(report, training_lines)


def training_lines(report: dict[str, Any]) -> str:
    """One line per measure, ours and the baseline's."""
    from assistant.presentation.table import table

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


@bench_app.command()
@with_options(IngestOptions)
def ingest(context: typer.Context, options: IngestOptions) -> None:
    """Photos per second of an import, and the faces it finds, against the command face_recognition."""
    from assistant.evaluation.bench.ingest import benchmark_ingest

    ui = front_end(context)
    home = evaluation_home(ui.home)
    report = ui.run(
        lambda on_progress: benchmark_ingest(options, EvaluationRun(home, on_progress=on_progress))
    )
    ui.show(report, ingest_lines)


@bench_app.command()
@with_options(FindBenchOptions)
def find(context: typer.Context, options: FindBenchOptions) -> None:
    """Milliseconds of searches in a large library and in a small one, against reading all records once."""
    from assistant.evaluation.search.measure import benchmark_find

    ui = front_end(context)
    home = evaluation_home(ui.home)
    report = ui.run(lambda on_progress: benchmark_find(options, EvaluationRun(home, on_progress=on_progress)))
    ui.show(report, find_lines)


def find_lines(report: dict[str, Any]) -> str:
    """How long searches take."""
    settings, small = report["settings"], report["small"]
    return "\n".join(
        [
            f"{settings['searches']} searches in {settings['photos']:,} photos: median {report['median_ms']:.0f} ms, "
            f"95 % within {report['p95_ms']:.0f} ms, slowest {report['slowest_ms']:.0f} ms",
            f"in {small['photos']:,} photos: 95 % within {small['p95_ms']:.0f} ms",
            f"reading all records once: {report['baseline']:.0f} ms, {report['ratio']:.1f} times the 95 %",
        ]
    )


def ingest_lines(report: dict[str, Any]) -> str:
    """Speed, then the faces by size, then the memory where it was measured."""
    from assistant.presentation.table import table

    faces, reference, computed = report["faces"], report["reference"], report["cpu_s_per_photo"]
    name = "face_recognition" if reference["command"] else "the same work as face_recognition"
    lines = [
        f"{report['ours']:.2f} photos/s here, {report['baseline']:.2f} by {name}: {report['ratio']:.2f} times",
        f"{computed['ours']:.2f} s of processor time a photo here, {computed['baseline']:.2f} s there: "
        f"{computed['ratio']:.2f} times",
        "",
    ]
    rows: list[tuple[str, ...]] = [("faces of", "known", "ours", "theirs", "theirs found here")]
    rows += [
        (f"{size} px", *(str(row[key]) for key in ("known", "ours", "reference", "both")))
        for size, row in faces["by_size_px"].items()
    ]
    rows.append(("all", *(str(faces[key]) for key in ("known", "ours", "reference", "both"))))
    lines.append(table(rows))
    if faces["share"] is not None:
        lines.append(f"{faces['share']:.1%} of the faces that it finds are found here.")
    if "memory" in report:
        memory = report["memory"]
        growth = memory["growth_percent"]
        said = "too few samples to say" if growth is None else f"{growth:+.1f} % after a tenth"
        lines += ["", f"Memory over {memory['photos']} photos: {said}, at most {memory['peak_mib']:.0f} MiB"]
    if "library" in report:
        library = report["library"]
        lines += [
            "",
            f"A new photo in a library of {library['settings']['faces']:,} faces, and in an empty one:",
        ]
        lines += [
            f"  {batch} at a time: {row['per_photo_s']['full']:.2f} s and {row['per_photo_s']['empty']:.2f} s, "
            f"{row['ratio']:.2f} times ({row['cpu_ratio']:.2f} in computing time)"
            for batch, row in library["by_batch"].items()
        ]
    return "\n".join(lines)
