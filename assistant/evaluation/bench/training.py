"""`familiar bench train`: training here against the naive recipe, each step in turn and each memory in a process alone.

Knows photos and reports; training itself runs in other processes, so that this one never imports torch.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.demo.run import read_samples
from assistant.evaluation.data.options import EvaluationRun, TrainingBenchOptions
from assistant.evaluation.data.protocol import read_photos
from personalizer.errors import FamiliarError, UsageError
from personalizer.home import child_environment
from personalizer.schemas import OnProgress, Progress
from personalizer.training.torch_threads import wait_briefly

SIDES = ("ours", "baseline")
MEMORY_STEPS = 3
SHOTS = 3


def benchmark_training(options: TrainingBenchOptions, run: EvaluationRun) -> dict[str, Any]:
    """Seconds per step, memory, optimizer bytes and the time to a held loss that both reach.

    Without folders the first subject of the sample library is learned. `repeats` is the number of whole trainings;
    the medians are over the steps of all of them. Raises what the measuring process says it could not do.
    """
    photos, others = photos_of(options.subject, options.negatives)
    request: dict[str, Any] = {
        "subject": [str(path) for path in photos],
        "negatives": [str(path) for path in others],
        "backbone": run.backbone,
        "device": run.device,
        "learning_rate": options.baseline_rate,
        "padded_to": options.padded_to or 0,
    }
    runs = [
        _measured(
            {**request, "sides": SIDES, "steps": options.steps, "seed": options.seed + number},
            f"training both ways, {number + 1} of {options.repeats}",
            run.on_progress,
        )
        for number in range(options.repeats)
    ]
    alone = {
        side: _measured(
            {**request, "sides": [side], "steps": MEMORY_STEPS, "evaluate_every": 0, "seed": options.seed},
            f"the memory of {side}",
            run.on_progress,
        )
        for side in SIDES
    }
    return training_report(runs, alone, options.baseline_rate)


def photos_of(subject: Path | None, negatives: Path | None) -> tuple[list[Path], list[Path]]:
    """The photos to learn from and those of other things."""
    if subject is not None and negatives is not None:
        return read_photos(subject)[:SHOTS], read_photos(negatives)
    if subject is not None or negatives is not None:
        raise UsageError(
            tried="measuring training on folders",
            found="only one of --subject and --negatives was given",
            fix="Give both, or neither for the sample library.",
        )
    samples = [sample for sample in read_samples() if not sample.held_out]
    name = next(sample.subject for sample in samples if sample.subject)
    own = [sample.path for sample in samples if sample.subject == name]
    return own[:SHOTS], [sample.path for sample in samples if sample.subject != name]


def _measured(request: dict[str, Any], message: str, on_progress: OnProgress | None) -> dict[str, Any]:
    """What the measuring process says."""
    # As in the worker.
    wait_briefly()
    # -P: where it stands is no place to import from.
    command = [sys.executable, "-P", "-m", "personalizer.benchmarks.training_speed", json.dumps(request)]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment()) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                said.append(line)
                found = json.loads(line)
                if "progress" in found and on_progress is not None:
                    done, total = found["progress"]
                    on_progress(Progress(done, total, message))
                elif "result" in found:
                    result: dict[str, Any] = found["result"]
                    return result
                elif "error" in found:
                    raise FamiliarError(**found["error"])
        except BaseException:
            child.kill()
            raise
    raise FamiliarError(
        tried=message,
        found=f"the measuring process ended with {child.returncode} after {len(said)} lines",
        fix="Its last words are above; with too little memory, give fewer photos.",
    )


def training_report(
    runs: Sequence[dict[str, Any]], alone: dict[str, dict[str, Any]], learning_rate: float
) -> dict[str, Any]:
    """The command's JSON, from trainings side by side and from one of each side alone."""
    step_s = {side: statistics.median([run[side]["step_s"] for run in runs]) for side in SIDES}
    reached = [time_to_common_loss(run) for run in runs]
    time_to_loss_s = {side: statistics.median([one[side] for one in reached]) for side in SIDES}
    first = runs[0]
    return {
        **step_s,
        "ratio": step_s["baseline"] / step_s["ours"],
        "unit": "seconds per step",
        "peak_mib": {side: alone[side]["peak_mib"] for side in SIDES},
        "optimizer_bytes": {side: first[side]["optimizer_bytes"] for side in SIDES},
        "time_to_loss_s": time_to_loss_s,
        "time_to_loss_ratio": time_to_loss_s["baseline"] / max(time_to_loss_s["ours"], 1e-9),
        "held_loss": {
            "start": first["ours"]["held"][0][1],
            "common": statistics.median([one["loss"] for one in reached]),
            **{
                side: statistics.median([min(loss for _, loss in run[side]["held"]) for run in runs])
                for side in SIDES
            },
        },
        "settings": {
            "steps": len(first["ours"]["seconds"]),
            "repeats": len(runs),
            **{
                key: first[key]
                for key in ("backbone", "device", "threads", "batch", "pictures", "held_examples")
            },
            "baseline": {
                "padded_to": first["padded_to"],
                "optimizer": "AdamW on both whole matrices, constant rate",
                "learning_rate": learning_rate,
                "loss": "mean over labels",
            },
            "ours": {
                "optimizer": "AdamW on the rows, warm-up and cosine",
                "learning_rate": first["trainer_learning_rate"],
                "loss": "weighted by task",
            },
        },
    }


def time_to_common_loss(run: dict[str, Any]) -> dict[str, float]:
    """The lowest held loss that both sides reach, and the seconds of steps that each needs for it.

    Between two measurements the loss is taken to fall evenly.
    """
    common = max(min(loss for _, loss in run[side]["held"]) for side in SIDES)
    return {"loss": common, **{side: _seconds_to(run[side], common) for side in SIDES}}


def _seconds_to(side: dict[str, Any], wanted: float) -> float:
    before: tuple[int, float] | None = None
    for step, loss in side["held"]:
        if loss <= wanted:
            if before is None:
                return 0.0
            share = (before[1] - wanted) / (before[1] - loss)
            steps = before[0] + share * (step - before[0])
            whole = int(steps)
            part = side["seconds"][whole] * (steps - whole) if steps > whole else 0.0
            return float(sum(side["seconds"][:whole]) + part)
        before = (step, loss)
    raise ValueError(f"the held loss never came down to {wanted}")
