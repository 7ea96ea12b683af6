"""What the report says of measured trainings, and the command itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluation.bench.training import (
    photos_of,
    time_to_common_loss,
    training_report,
)
from personalizer.errors import UsageError


def side(seconds: float, held: list[tuple[int, float]], size: int) -> dict[str, Any]:
    return {"seconds": [seconds] * 8, "step_s": seconds, "held": held, "optimizer_bytes": size}


def run() -> dict[str, Any]:
    return {
        "ours": side(0.5, [(0, 2.0), (4, 1.0), (8, 0.6)], 10),
        "baseline": side(2.0, [(0, 2.0), (4, 1.6), (8, 1.2)], 4000),
        "backbone": "v",
        "device": "cpu",
        "threads": 1,
        "batch": {},
        "pictures": {},
        "held_examples": 4,
        "padded_to": 99,
        "trainer_learning_rate": 0.05,
        "peak_mib": 1.0,
    }


def test_the_common_loss_is_the_lowest_that_both_reach() -> None:
    found = time_to_common_loss(run())
    assert found["loss"] == 1.2
    assert found["baseline"] == pytest.approx(16.0)
    # 2.0 falls to 1.0 in four steps: 1.2 after 3.2 of them.
    assert found["ours"] == pytest.approx(1.6)
    turned = run()
    turned["ours"]["held"] = [(0, 2.0), (4, 1.9), (8, 1.95)]
    found = time_to_common_loss(turned)
    assert (found["loss"], found["ours"]) == (1.9, pytest.approx(2.0))
    assert found["baseline"] == pytest.approx(2.0)
    turned["baseline"]["held"] = [(0, 2.0), (8, 2.5)]
    assert time_to_common_loss(turned) == {"loss": 2.0, "ours": 0.0, "baseline": 0.0}


def test_the_report_has_the_keys_of_the_command() -> None:
    alone = {"ours": {"peak_mib": 100.0}, "baseline": {"peak_mib": 300.0}}
    report = training_report([run(), run()], alone, 0.01)
    assert (report["ours"], report["baseline"], report["ratio"]) == (0.5, 2.0, 4.0)
    assert report["peak_mib"] == {"ours": 100.0, "baseline": 300.0}
    assert report["optimizer_bytes"] == {"ours": 10, "baseline": 4000}
    assert report["time_to_loss_ratio"] == pytest.approx(10.0)
    assert report["held_loss"] == {"start": 2.0, "common": 1.2, "ours": 0.6, "baseline": 1.2}
    assert report["settings"]["repeats"] == 2
    json.dumps(report, allow_nan=False)


def test_photos_come_from_both_folders_or_from_the_sample_library(tmp_path: Path) -> None:
    own, others = photos_of(None, None)
    assert len(own) == 3 and len(others) > 20 and not set(own) & set(others)
    assert all(path.is_file() for path in [*own, *others])
    with pytest.raises(UsageError, match="negatives"):
        photos_of(tmp_path, None)


@pytest.mark.slow
def test_the_command_measures_and_prints_json() -> None:
    arguments = ["--json", "--quiet", "--device", "cpu", "bench", "train", "--steps", "3"]
    code = "import sys; from tui.entry import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ratio"] == pytest.approx(report["baseline"] / report["ours"])
    assert report["optimizer_bytes"]["baseline"] > 100 * report["optimizer_bytes"]["ours"]
    assert min(report["peak_mib"].values()) > 100
    assert set(report["time_to_loss_s"]) == {"ours", "baseline"}
