"""Events from inotify with real folders: complete ones, lost ones, and the kernel's limits."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from personalizer.scan.exclusions import Exclusions
from personalizer.watch.inotify import Changes, InotifyEvents

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def is_photo(name: str) -> bool:
    return name.endswith(".jpg")


@pytest.fixture
def file_events() -> Iterator[InotifyEvents]:
    opened = InotifyEvents(Exclusions(("Screenshots",)).skips_folder, is_photo)
    yield opened
    opened.close()


def all_of(file_events: InotifyEvents) -> Changes:
    """Everything that happened until now."""
    found = Changes()
    while True:
        more = file_events.wait(0.05)
        if not (more.changed or more.lost or more.given_up):
            return found
        found.files |= more.files
        found.more |= more.more
        found.lost |= more.lost
        found.given_up |= more.given_up


def test_folders_are_watched_but_no_excluded_ones(file_events: InotifyEvents, tmp_path: Path) -> None:
    for place in ("a/b", "Screenshots/c", ".hidden/d", "@eaDir/e"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    file_events.watch(tmp_path)
    assert len(file_events) == 3
    (tmp_path / "Screenshots" / "x.jpg").write_bytes(b"x")
    (tmp_path / "a" / "library.sqlite3").write_bytes(b"x")
    (tmp_path / "a" / "b" / "old.jpg").touch()
    assert all_of(file_events).changed
    assert (tmp_path / "a" / "b" / "old.jpg").read_bytes() == b""
    assert not all_of(file_events).changed, "reading is no change"
    (tmp_path / "Screenshots" / "y.jpg").write_bytes(b"y")
    assert not all_of(file_events).changed


def test_new_and_renamed_folders_are_watched_with_what_is_in_them(
    file_events: InotifyEvents, tmp_path: Path
) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (outside / "x" / "y").mkdir(parents=True)
    root.mkdir()
    file_events.watch(root)
    (outside / "x").rename(root / "x")
    assert all_of(file_events).changed and len(file_events) == 3
    (root / "x" / "y" / "a.jpg").touch()
    assert all_of(file_events).changed
    (root / "x").rename(root / "z")
    assert all_of(file_events).changed and len(file_events) == 3
    (root / "z" / "y" / "b.jpg").touch()
    assert all_of(file_events).changed
    (root / "z").rename(outside / "z")
    assert all_of(file_events).changed and len(file_events) == 1
    (outside / "z" / "y" / "c.jpg").touch()
    assert not all_of(file_events).changed
    shutil.rmtree(root)
    assert all_of(file_events).changed and len(file_events) == 0


def test_files_that_come_are_told_from_all_else(file_events: InotifyEvents, tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for place in (root / "a", root / "b", outside):
        place.mkdir(parents=True)
    file_events.watch(root)

    def found() -> tuple[set[str], bool]:
        happened = all_of(file_events)
        return {path.rpartition("/")[2] for path in happened.files}, happened.more

    photo = root / "a" / "1.jpg"
    photo.write_bytes(b"x")
    (outside / "2.jpg").write_bytes(b"x")
    (outside / "2.jpg").rename(root / "b" / "2.jpg")
    (root / "a" / "notes").write_bytes(b"x")
    assert found() == ({"a", "b"}, False)
    photo.chmod(0o600)
    assert found() == ({"a"}, False)
    # As programs do that replace a file at once.
    (root / "a" / ".1.jpg.new").write_bytes(b"y")
    (root / "a" / ".1.jpg.new").rename(photo)
    assert found() == ({"a"}, False)
    photo.rename(root / "b" / "1.jpg")
    assert found() == ({"b"}, True)
    (root / "b" / "1.jpg").unlink()
    assert found() == (set(), True)
    (root / "c").mkdir()
    assert found() == (set(), True)
    (root / "c").rename(root / "d")
    assert found() == (set(), True)


def test_a_root_that_cannot_be_watched_says_so(file_events: InotifyEvents, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    for place in ("none", "file", "link"):
        with pytest.raises(OSError):
            file_events.watch(tmp_path / place)
    assert len(file_events) == 0


def test_a_folder_that_may_be_looked_into_again_is_watched(
    file_events: InotifyEvents, tmp_path: Path, as_nobody: Callable[..., AbstractContextManager[None]]
) -> None:
    closed, inside = tmp_path / "closed", tmp_path / "closed" / "inside"
    inside.mkdir(parents=True)
    with as_nobody(tmp_path):
        closed.chmod(0)
        file_events.watch(tmp_path)
        assert len(file_events) == 1
        closed.chmod(0o755)
        assert all_of(file_events).changed and len(file_events) == 3
        (inside / "a.jpg").touch()
        assert all_of(file_events).changed
        (inside / "a.jpg").chmod(0o600)
        tmp_path.chmod(0o755)
        assert all_of(file_events).changed and len(file_events) == 3


def test_lost_events_are_reported(file_events: InotifyEvents, tmp_path: Path) -> None:
    file_events.watch(tmp_path)
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    names = tmp_path / "a.jpg", tmp_path / "b.jpg"
    names[0].touch()
    for number in range(queue // 2 + 100):
        names[number % 2].rename(names[1 - number % 2])
    found = all_of(file_events)
    assert found.lost and found.changed
    names[queue % 2].write_bytes(b"x")
    found = all_of(file_events)
    assert found.changed and not found.lost, "it goes on after that"


SUPPORT = str(Path(__file__).resolve().parents[2] / "support")
LIMITED = """
import json, sys, threading, time
from pathlib import Path
sys.path.append(sys.argv[5])
from waiting import until
from personalizer.watch.roots import WatchTimes
from personalizer.watch.watcher import Watcher
root, limit, allowed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
limit.write_text(allowed)
scan_requests, told = [], []
times = WatchTimes(debounce_s=0.05, unwatched_s=0.2, retry_s=1.0, roots_s=0.05)
with Watcher(lambda: [root], lambda folders: scan_requests.append(folders), times=times, on_polled=told.append):
    if sys.argv[4] == "later":
        until(lambda: told)
        assert told == [[]]
        for number in range(20):
            (root / f"new {number}").mkdir()
        until(lambda: told[-1])
        scan_requests.clear()
    until(lambda: len(scan_requests) >= 3)  # with nothing happening
    refused = told[-1]
    limit.write_text("1000")
    until(lambda: told[-1] == [])
    time.sleep(0.5)
    before = len(scan_requests)
    (root / "deep" / "a.jpg").touch()
    until(lambda: len(scan_requests) > before)
print(json.dumps([[one.path, one.reason, one.every_s, one.refused] for one in refused]))
"""


def limited(*arguments: str) -> list[list[object]]:
    """What the watcher said of roots that it polls, in a user namespace with limits of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    command = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces are not allowed")
    done = subprocess.run(
        [*command, sys.executable, "-c", LIMITED, *arguments, SUPPORT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Only how many folders there are and why, and no path.
    assert arguments[0] not in done.stderr
    found: list[list[object]] = json.loads(done.stdout)
    return found


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    for number in range(10):
        (tmp_path / "deep" / str(number)).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("limit", "allowed", "reason"),
    [
        ("max_inotify_watches", "5", "No space left on device"),
        ("max_inotify_instances", "0", "Too many open files"),
    ],
)
def test_beyond_the_limits_folders_are_polled_until_they_can_be_watched(
    deep: Path, limit: str, allowed: str, reason: str
) -> None:
    assert limited(str(deep), f"/proc/sys/user/{limit}", allowed, "now") == [[str(deep), reason, 0.2, True]]


def test_a_limit_that_is_reached_later_is_noticed(deep: Path) -> None:
    polled = limited(str(deep), "/proc/sys/user/max_inotify_watches", "15", "later")
    assert polled == [[str(deep), "No space left on device", 0.2, True]]
