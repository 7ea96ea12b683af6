"""An interrupted training goes on from its checkpoint, whatever interrupted it, to the same rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_training as small
import torch
from safetensors.numpy import save_file

from personalizer.backbones.base import Backbone
from personalizer.errors import JobCancelled
from personalizer.training.checkpoint import CHECKPOINT_FILE, read_checkpoint, write_checkpoint


def test_a_cancelled_run_leaves_a_checkpoint_and_continues_to_the_same_rows(
    backbone: Backbone, tmp_path: Path
) -> None:
    whole = small.trainer(backbone, tmp_path / "whole")
    complete = whole.train(None, None)
    cancel = small.Cancel(after=3)
    with pytest.raises(JobCancelled):
        small.trainer(backbone, tmp_path / "cut").train(cancel.progress, cancel)
    assert (tmp_path / "cut" / CHECKPOINT_FILE).exists()
    continued, seen = small.trainer(backbone, tmp_path / "cut"), small.Cancel(after=99)
    outcome = continued.train(seen.progress, seen)
    assert cancel.steps == [1, 2, 3] and seen.steps == [4, 5, 6]
    assert torch.equal(small.embeddings(continued), small.embeddings(whole))
    assert outcome.losses == complete.losses[3:]
    assert outcome.yes_no_threshold == complete.yes_no_threshold
    continued.discard_checkpoint()
    assert not (tmp_path / "cut" / CHECKPOINT_FILE).exists()


def test_a_crash_after_the_last_step_costs_no_steps(backbone: Backbone, tmp_path: Path) -> None:
    first = small.trainer(backbone, tmp_path)
    first.train(None, None)
    again, seen = small.trainer(backbone, tmp_path), small.Cancel(after=99)
    assert again.train(seen.progress, seen).steps == 6
    assert seen.steps == [] and torch.equal(small.embeddings(again), small.embeddings(first))


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "flipped", "no metadata", "another fingerprint", "no JSON"]
)
def test_checkpoints_that_do_not_fit_are_ignored(backbone: Backbone, tmp_path: Path, damage: str) -> None:
    small.trainer(backbone, tmp_path, replace(small.CONFIG, steps=2)).train(None, None)
    path = tmp_path / CHECKPOINT_FILE
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-7])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flipped":
        content[-3] ^= 0x40
        path.write_bytes(content)
    elif damage == "no metadata":
        save_file({"input_offset": np.zeros((8, 32), np.float32)}, path)
    elif damage == "no JSON":
        save_file({"input_offset": np.zeros((8, 32), np.float32)}, path, metadata={"training": "7"})
    fingerprint = "g" if damage == "another fingerprint" else "f"
    made, seen = (
        small.trainer(backbone, tmp_path, replace(small.CONFIG, steps=2), fingerprint),
        small.Cancel(after=99),
    )
    made.train(seen.progress, seen)
    assert seen.steps == [1, 2]


def test_a_checkpoint_of_an_earlier_version_goes_on(backbone: Backbone, tmp_path: Path) -> None:
    """It says what a moving average and stopping early need, and could hold their rows."""
    whole = small.trainer(backbone, tmp_path / "whole")
    whole.train(None, None)
    cancel = small.Cancel(after=3)
    with pytest.raises(JobCancelled):
        small.trainer(backbone, tmp_path / "cut").train(cancel.progress, cancel)
    saved = read_checkpoint(tmp_path / "cut", "f")
    assert saved is not None
    tensors, record = saved
    tensors |= {
        prefix + name: torch.ones_like(value)
        for prefix in ("average.", "best.")
        for name, value in tensors.items()
        if name in ("input_offset", "output_offset")
    }
    selection = {"best_loss": 0.0, "since_best": 0}
    write_checkpoint(tmp_path / "cut", tensors, record | {"selection": selection, "spent_s": 1.5})
    continued, seen = small.trainer(backbone, tmp_path / "cut"), small.Cancel(after=99)
    continued.train(seen.progress, seen)
    assert seen.steps == [4, 5, 6] and torch.equal(small.embeddings(continued), small.embeddings(whole))


def test_checkpoints_are_written_while_training_and_atomically(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = replace(small.CONFIG, checkpoint_every_s=0.0)
    cancel = small.Cancel(after=2)
    with pytest.raises(JobCancelled):
        small.trainer(backbone, tmp_path, often).train(cancel.progress, cancel)
    before = (tmp_path / CHECKPOINT_FILE).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        small.trainer(backbone, tmp_path, often).train(None, None)
    monkeypatch.undo()
    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]
    seen = small.Cancel(after=99)
    small.trainer(backbone, tmp_path, often).train(seen.progress, seen)
    assert seen.steps == [3, 4, 5, 6]


CHILD = """
import sys, torch
torch.set_num_threads(1)
sys.path.append(sys.argv[1])
import small_training
small_training.train_and_say(sys.argv[2], sys.argv[3])
"""


@pytest.mark.slow
def test_a_killed_training_continues(pocket_like: Path, backbone: Backbone, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(Path(small.__file__).parent), str(pocket_like), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 8:
            break
    os.kill(child.pid, signal.SIGKILL)
    rest = [int(line) for line in child.stdout]
    child.wait()
    done = max([8, *rest])
    seen = small.Cancel(after=10**9)
    made = small.trainer(backbone, tmp_path, small.LONG)
    made.train(seen.progress, seen)
    assert seen.steps[-1] == 300
    assert 7 <= seen.steps[0] - 1 <= done, "at most the step that was being saved is done again"
