from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from personalizer.watcher import Watcher


class Hints:
    def __init__(self) -> None:
        self.count = 0
        self.came = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        self.came.set()

    def wait(self) -> bool:
        came = self.came.wait(20)
        self.came.clear()
        return came


@pytest.fixture
def hints() -> Hints:
    return Hints()


def test_changes_become_one_hint(tmp_path: Path, hints: Hints, make_photo: Callable[..., Path]) -> None:
    with Watcher(lambda: [tmp_path], hints, debounce_s=1.0):
        for number in range(5):
            make_photo(tmp_path / "new" / f"{number}.jpg", number)
        assert hints.wait()
        assert hints.count == 1
        (tmp_path / "new" / "3.jpg").rename(tmp_path / "three.jpg")
        assert hints.wait()
        (tmp_path / "three.jpg").unlink()
        assert hints.wait()


def test_reading_and_other_files_are_no_hint(
    tmp_path: Path, hints: Hints, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.jpg", 1)
    with Watcher(lambda: [tmp_path], hints, debounce_s=0.05):
        photo.read_bytes()
        (tmp_path / "library.sqlite3-wal").write_bytes(b"x")
        time.sleep(0.6)
        assert hints.count == 0


def test_rescans_without_any_event_and_survives_errors(tmp_path: Path) -> None:
    calls: list[float] = []
    enough = threading.Event()

    def failing() -> None:
        calls.append(time.monotonic())
        if len(calls) >= 3:
            enough.set()
        raise RuntimeError("the library is locked")

    with Watcher(lambda: [tmp_path / "not mounted"], failing, rescan_interval_s=0.1):
        assert enough.wait(20)


def test_folder_added_later_is_watched(tmp_path: Path, hints: Hints, make_photo: Callable[..., Path]) -> None:
    roots: list[Path] = []
    with Watcher(lambda: list(roots), hints, debounce_s=0.05, roots_interval_s=0.05) as watcher:
        roots.append(tmp_path)
        deadline = time.monotonic() + 20
        while tmp_path not in watcher._watched and time.monotonic() < deadline:
            time.sleep(0.02)
        make_photo(tmp_path / "a.jpg", 1)
        assert hints.wait()
