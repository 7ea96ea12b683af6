"""A full disk, a read-only one or a kill at any moment of a training: the old prefix stays, the next run ends."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import small_training as small
import torch

from exporters.runtime.concept import PrefixWeights
from personalizer.backbones.base import Backbone
from personalizer.library.library import Library
from personalizer.prefix.dual_prefix import MANIFEST_FILE, WEIGHTS_FILE
from personalizer.prefix.files import current_manifest, remove_leftovers, replace_pair
from personalizer.storage_errors import storage_error
from personalizer.training.train_concept import train_concept
from personalizer.training.trainer import TrainerConfig

PAIR = (WEIGHTS_FILE, MANIFEST_FILE)


def pair(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in PAIR}


@pytest.mark.parametrize("new", [False, True])
def test_a_full_disk_at_any_moment_keeps_a_whole_prefix(
    backbone: Backbone, small_disk: Any, new: bool
) -> None:
    config = replace(small.CONFIG, steps=2)
    with small.disc_world(small_disk.folder) as world:
        directory = world.home.concepts / str(world.concept)
        if not new:
            small.train(world, backbone, config=config)
        previous = None if new else pair(directory)
        said = []
        for seed, free_kib in enumerate((0, 4, 8, 12, 16, 20, 24), start=1):
            small_disk.fill(free_kib)
            try:
                small.train(world, backbone, config=replace(config, seed=seed))
            except (OSError, sqlite3.Error) as error:
                said.append(str(storage_error(error)))
                if isinstance(error, OSError):
                    assert previous == (None if new else pair(directory))
            else:
                new, previous = False, pair(directory)
            if not new:
                PrefixWeights.read(directory)
                previous = pair(directory)
            assert not [*directory.glob(".*")]
        assert said and all("Free some space" in one for one in said)
        small_disk.free()
        small.train(world, backbone, config=replace(config, seed=9))
        assert world.library.concept(world.concept).state == "ready"
        assert {path.name for path in directory.iterdir()} == set(PAIR)


def test_a_file_that_may_not_grow_keeps_the_previous_prefix(
    world: SimpleNamespace,
    backbone: Backbone,
    largest_file: Callable[[int], AbstractContextManager[None]],
) -> None:
    small.train(world, backbone)
    directory = world.home.concepts / str(world.concept)
    before, again = pair(directory), replace(small.CONFIG, steps=2)
    with largest_file(1024), pytest.raises(OSError) as raised:
        small.train(world, backbone, config=again)
    assert "Free some space" in str(storage_error(raised.value))
    assert pair(directory) == before
    assert small.train(world, backbone, config=again)[0]["steps"] == 2


def test_a_read_only_concepts_folder_is_said_and_its_prefix_kept(
    backbone: Backbone, small_disk: Any, tmp_path: Path
) -> None:
    with small.disc_world(tmp_path) as world:
        world.home.concepts.rmdir()
        world.home.concepts.symlink_to(small_disk.folder)
        small.train(world, backbone)
        directory = world.home.concepts / str(world.concept)
        before, again = pair(directory), replace(small.CONFIG, steps=2)
        small_disk.make_read_only()
        try:
            with pytest.raises(OSError) as raised:
                small.train(world, backbone, config=again)
            PrefixWeights.read(directory)
        finally:
            small_disk.make_read_only(False)
        said = str(storage_error(raised.value))
        assert "Read-only" in said and str(directory) in said and "read and write there" in said
        assert pair(directory) == before
        assert small.train(world, backbone, config=again)[0]["steps"] == 2


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError(2, "No such file"), sqlite3.OperationalError("locked")]
)
def test_other_errors_are_not_about_the_disk(error: Exception) -> None:
    assert storage_error(error) is None


def test_a_crash_between_the_rows_and_their_manifest_loses_neither(tmp_path: Path) -> None:
    def manifest(weights: bytes) -> bytes:
        return json.dumps({"sha256": hashlib.sha256(weights).hexdigest()}).encode()

    replace_pair(tmp_path, b"old", manifest(b"old"))
    staged = tmp_path / f".{MANIFEST_FILE}.staged"
    for damage in (b"{", b"[]", b"{}", manifest(b"new")):
        staged.write_bytes(damage)
        assert current_manifest(tmp_path).name == MANIFEST_FILE
    (tmp_path / WEIGHTS_FILE).write_bytes(b"new")
    assert current_manifest(tmp_path) == staged
    remove_leftovers(tmp_path)
    assert not staged.exists()


def killed_before(write: int, world: SimpleNamespace, backbone: Backbone, config: TrainerConfig) -> bool:
    """Train in a process that is killed before it does its n-th write to disk; False when it did not come to that."""
    child = os.fork()
    if child == 0:
        left = write

        def dying(real: Callable[..., Any]) -> Callable[..., Any]:
            def step(*arguments: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            return step

        status = 1
        try:
            signal.alarm(60)
            torch.set_num_threads(1)
            os.fsync, os.replace, os.unlink = dying(os.fsync), dying(os.replace), dying(os.unlink)
            with Library.open(world.home.database) as library:
                train_concept(library, world.home, world.concept, backbone, config)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


@pytest.mark.slow
def test_a_kill_before_any_write_keeps_a_whole_prefix_and_the_next_run_goes_on(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    directory = world.home.concepts / str(world.concept)
    first, second = replace(small.CONFIG, steps=2), replace(small.CONFIG, steps=3)
    small.train(world, backbone, config=second)
    wanted = (directory / WEIGHTS_FILE).read_bytes()
    small.train(world, backbone, config=first)
    previous = (directory / WEIGHTS_FILE).read_bytes()
    write = 0
    while killed_before(write := write + 1, world, backbone, second):
        assert (directory / WEIGHTS_FILE).read_bytes() in (previous, wanted)
        PrefixWeights.read(directory)
        # Otherwise the next child would find less and less to do.
        small.train(world, backbone, config=first)
    assert write > 12
    assert (directory / WEIGHTS_FILE).read_bytes() == wanted
    assert world.library.concept(world.concept).state == "ready"
    assert {path.name for path in directory.iterdir()} == set(PAIR)
