from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import until

from personalizer.scan.exclusions import Exclusions
from personalizer.scan.file_system import Mount
from personalizer.watch.polled_folders import Polled
from personalizer.watch.roots import WatchTimes
from personalizer.watch.watchdog_events import WatchdogEvents
from personalizer.watch.watcher import Watcher


class ScanRequests:
    def __init__(self) -> None:
        self.count = 0
        self.folders: list[frozenset[str] | None] = []
        self.came = threading.Event()

    def __call__(self, folders: frozenset[str] | None) -> None:
        self.folders.append(folders)
        self.count += 1
        self.came.set()

    def wait(self) -> bool:
        came = self.came.wait(20)
        self.came.clear()
        return came


@pytest.fixture
def scan_requests() -> ScanRequests:
    return ScanRequests()


def test_changes_become_one_scan_request(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    with Watcher(lambda: [tmp_path], scan_requests, times=WatchTimes(debounce_s=1.0)):
        for number in range(5):
            make_photo(tmp_path / "new" / f"{number}.jpg", number)
        assert scan_requests.wait()
        assert scan_requests.count == 1
    with Watcher(lambda: [tmp_path], scan_requests, times=quick()):
        (tmp_path / "new" / "3.jpg").rename(tmp_path / "three.jpg")
        assert scan_requests.wait()
        (tmp_path / "three.jpg").unlink()
        assert scan_requests.wait()
        (tmp_path / "new" / "2.jpg.xmp").write_text("what lies beside a photo says something about it")
        assert scan_requests.wait()


def test_reading_and_other_files_are_no_scan_request(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.jpg", 1)
    with Watcher(lambda: [tmp_path], scan_requests, times=WatchTimes(debounce_s=0.05)):
        photo.read_bytes()
        (tmp_path / "library.sqlite3-wal").write_bytes(b"x")
        time.sleep(0.6)
        assert scan_requests.count == 0


def test_rescans_without_any_event_and_survives_errors(tmp_path: Path) -> None:
    calls: list[float] = []
    enough = threading.Event()

    def failing(folders: frozenset[str] | None) -> None:
        calls.append(time.monotonic())
        if len(calls) >= 3:
            enough.set()
        raise RuntimeError("the library is locked")

    with Watcher(lambda: [tmp_path / "not mounted"], failing, times=WatchTimes(rescan_s=0.1)):
        assert enough.wait(20)


def test_folder_added_later_is_watched(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    roots: list[Path] = []
    with Watcher(
        lambda: list(roots), scan_requests, times=WatchTimes(debounce_s=0.05, roots_s=0.05)
    ) as watcher:
        roots.append(tmp_path)
        until(lambda: tmp_path in watcher.watched)
        make_photo(tmp_path / "a.jpg", 1)
        assert scan_requests.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="others do not say where nothing but files came")
def test_new_files_request_a_scan_of_their_folders(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for name in ("a", "b"):
        make_photo(root / name / "0.jpg", 0)
    for number in range(4):
        make_photo(outside / f"{number}.jpg", number)
    a, b = str(root / "a"), str(root / "b")

    def told(change: Callable[[], object]) -> frozenset[str] | None:
        change()
        assert scan_requests.wait()
        return scan_requests.folders[-1]

    with Watcher(lambda: [root], scan_requests, times=quick(debounce_s=0.3)):
        assert told(lambda: (outside / "1.jpg").rename(root / "a" / "1.jpg")) == {a}
        assert told(lambda: [make_photo(Path(one) / "2.jpg", 2) for one in (a, b)]) == {a, b}
        assert told((root / "a" / "2.jpg").touch) == {a}
        assert told(lambda: (root / "a" / "2.jpg.xmp").write_text("x")) == {a}
        assert told((root / "a" / "2.jpg").unlink) is None
        assert told(lambda: (root / "a" / "1.jpg").rename(root / "b" / "1.jpg")) is None
        assert told(lambda: (root / "b" / "1.jpg").rename(outside / "1.jpg")) is None
        assert told((root / "c").mkdir) is None
        assert told(lambda: (outside / "2.jpg").rename(root / "c" / "2.jpg")) == {str(root / "c")}
        assert told(lambda: [make_photo(root / "a" / "3.jpg", 3), (root / "c" / "2.jpg").unlink()]) is None
        assert told(lambda: [make_photo(root / "many" / f"{n}" / "4.jpg", n) for n in range(40)]) is None
        assert told(lambda: [make_photo(root / "many" / f"{n}" / "5.jpg", n) for n in range(40)]) is None
        few = told(lambda: [make_photo(root / "many" / f"{n}" / "6.jpg", n) for n in range(30)])
        assert few is not None and len(few) == 30


def test_after_a_failed_request_a_full_scan_is_requested(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    def failing_at_first(folders: frozenset[str] | None) -> None:
        scan_requests(folders)
        if scan_requests.count == 1:
            raise RuntimeError("the library is locked")

    with Watcher(lambda: [tmp_path], failing_at_first, times=quick(debounce_s=0.2)):
        for number in range(3):
            make_photo(tmp_path / f"{number}.jpg", number)
            assert scan_requests.wait()
    own = frozenset({str(tmp_path)}) if sys.platform == "linux" else None
    assert scan_requests.folders == [own, None, own]


def test_a_scan_request_that_fails_is_given_again(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    def failing_twice(folders: frozenset[str] | None) -> None:
        scan_requests(folders)
        if scan_requests.count <= 2:
            raise RuntimeError("the library is locked")

    with Watcher(lambda: [tmp_path], failing_twice, times=quick(debounce_s=0.2, max_delay_s=0.4)):
        make_photo(tmp_path / "1.jpg", 1)
        for _ in range(3):
            assert scan_requests.wait(), "nobody looks at the photo until something else happens"
    assert scan_requests.folders[1:] == [None, None]


def test_incomplete_events_request_full_scans(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    (tmp_path / "phone").mkdir()
    mounts = [Mount(str(tmp_path / "phone"), "fuse.sshfs", "phone:")]
    with Watcher(lambda: [tmp_path], scan_requests, mounts=lambda: mounts, times=quick()):
        make_photo(tmp_path / "a.jpg", 1)
        assert scan_requests.wait() and scan_requests.folders == [None]


def test_what_is_due_is_not_put_off_by_files_that_come_all_the_time(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    times = quick(debounce_s=0.1, max_delay_s=0.2, rescan_s=1.0)
    with Watcher(lambda: [tmp_path], scan_requests, times=times):

        def due_between_others() -> bool:
            make_photo(tmp_path / "a.jpg", 1)
            return 2 <= scan_requests.folders.count(None) < len(scan_requests.folders)

        until(due_between_others)


def test_files_being_written_request_a_full_scan(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    with Watcher(lambda: [tmp_path], scan_requests, unfinished=lambda: True, times=quick()):
        make_photo(tmp_path / "a.jpg", 1)
        assert scan_requests.wait() and scan_requests.folders == [None]


def quick(**times: float) -> WatchTimes:
    """Nothing but what is asked for happens soon."""
    return WatchTimes(**({"debounce_s": 0.05, "roots_s": 0.05} | times))


def test_what_is_across_a_network_is_polled(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    told: list[list[Polled]] = []
    nas, local = tmp_path / "nas", tmp_path / "local"
    for folder in (nas, local / "phone", local / "2019"):
        folder.mkdir(parents=True)
    mounts = [Mount(str(nas), "nfs4", "nas:/photos"), Mount(str(local / "phone"), "fuse.sshfs", "phone:")]
    with Watcher(
        lambda: [nas, local],
        scan_requests,
        mounts=lambda: list(mounts),
        on_polled=lambda polled: told.append(list(polled)),
        times=quick(network_s=0.3),
    ):
        until(lambda: scan_requests.count >= 3)
        assert [(one.path, one.reason, one.refused) for one in told[-1]] == [
            (str(nas), "it is across a network", False),
            (str(local), "it is across a network", False),
        ]
        mounts.clear()
        until(lambda: told[-1] == [])
        time.sleep(0.5)
        before = scan_requests.count
        time.sleep(0.5)
        assert scan_requests.count == before, "what is local is not polled"
        make_photo(nas / "a.jpg", 1)
        until(lambda: scan_requests.count > before)


def test_what_is_local_beside_a_share_is_watched(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    (tmp_path / "phone").mkdir()
    mounts = [Mount(str(tmp_path / "phone"), "fuse.sshfs", "phone:")]
    with Watcher(lambda: [tmp_path], scan_requests, mounts=lambda: mounts, times=quick()):
        make_photo(tmp_path / "phone" / "a.jpg", 1)
        time.sleep(0.5)
        assert scan_requests.count == 0, "there, other machines' changes would not be noticed either"
        make_photo(tmp_path / "b.jpg", 2)
        assert scan_requests.wait()


def test_what_was_not_at_rest_is_looked_at_again_soon(tmp_path: Path, scan_requests: ScanRequests) -> None:
    """Also where nothing is noticed in between: across a network."""
    unfinished = [True]
    with Watcher(
        lambda: [tmp_path], scan_requests, unfinished=lambda: unfinished[0], times=quick(look_again_s=0.1)
    ):
        began_s = time.monotonic()
        until(lambda: scan_requests.count >= 3)
        assert time.monotonic() - began_s > 0.6, "less and less often"
        unfinished[0] = False
        time.sleep(0.3)
        before = scan_requests.count
        time.sleep(1.0)
        assert scan_requests.count == before


def test_a_change_that_never_settles_is_scanned_nevertheless(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.jpg", 1)
    with Watcher(lambda: [tmp_path], scan_requests, times=quick(debounce_s=0.5, max_delay_s=1.0)):
        deadline = time.monotonic() + 20
        while not scan_requests.count and time.monotonic() < deadline:
            photo.touch()
            photo.write_bytes(photo.read_bytes())
            time.sleep(0.02)
        assert scan_requests.count == 1


def test_a_folder_that_comes_and_goes(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    """A drive that is plugged in is scanned, and watched from then on; one that is pulled out ends nothing."""
    drive, away = tmp_path / "drive", tmp_path / "away"
    make_photo(away / "a.jpg", 1)
    with Watcher(lambda: [drive], scan_requests, times=quick()):
        for number in range(2):
            away.rename(drive)
            assert scan_requests.wait()
            make_photo(drive / f"new {number}.jpg", number)
            assert scan_requests.wait()
            drive.rename(away)
            assert scan_requests.wait()


def test_what_is_excluded_is_not_watched(
    tmp_path: Path, scan_requests: ScanRequests, make_photo: Callable[..., Path]
) -> None:
    rules = [Exclusions()]
    (tmp_path / "Screenshots").mkdir()
    with Watcher(lambda: [tmp_path], scan_requests, exclusions=lambda: rules[0], times=quick()) as watcher:
        make_photo(tmp_path / "Screenshots" / "a.jpg", 1)
        assert scan_requests.wait()
        rules[0] = Exclusions(("Screenshots",))
        until(lambda: watcher.watched.rules == rules[0])
        assert scan_requests.wait(), "what was left out is to be scanned"
        time.sleep(0.3)
        before = scan_requests.count
        make_photo(tmp_path / "Screenshots" / "b.jpg", 2)
        time.sleep(0.5)
        assert scan_requests.count == before


@pytest.mark.skipif(sys.platform != "linux", reason="others do not say that they lost anything")
def test_lost_events_request_a_full_scan_and_new_watches(
    tmp_path: Path,
    scan_requests: ScanRequests,
    make_photo: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    busy, free, looks = threading.Event(), threading.Event(), [0]

    def roots() -> list[Path]:
        looks[0] += 1
        if looks[0] == 2:  # the watcher has no time for notices now
            busy.set()
            free.wait(60)
        return [tmp_path]

    names = make_photo(tmp_path / "0.jpg", 1), tmp_path / "1.jpg"
    with Watcher(roots, scan_requests, times=quick()):
        assert busy.wait(20)
        for number in range(queue // 2 + 100):
            names[number % 2].rename(names[1 - number % 2])
        (tmp_path / "new").mkdir()  # which nobody hears of
        free.set()
        assert scan_requests.wait()
        until(lambda: "more happened" in caplog.text)
        time.sleep(0.3)
        before = scan_requests.count
        make_photo(tmp_path / "new" / "a.jpg", 2)
        until(lambda: scan_requests.count > before)
    assert str(tmp_path) not in caplog.text


def test_clocks_that_are_put_back_do_not_stop_the_watching(
    tmp_path: Path,
    scan_requests: ScanRequests,
    make_photo: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Watcher(lambda: [tmp_path], scan_requests, times=quick(rescan_s=0.5)):
        until(lambda: scan_requests.count)
        monkeypatch.setattr(time, "time", lambda: 0.0)
        before = scan_requests.count
        until(lambda: scan_requests.count >= before + 2)


def test_events_from_watchdog(tmp_path: Path, make_photo: Callable[..., Path]) -> None:
    """As on systems without inotify."""
    file_events = WatchdogEvents(
        Exclusions(("Screenshots",)).skips_folder, lambda name: name.endswith(".jpg")
    )

    def changed() -> bool:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if file_events.wait(0.2).changed:
                return True
        return False

    try:
        for place in ("a", "Screenshots/b"):
            (tmp_path / place).mkdir(parents=True)
        file_events.watch(tmp_path)
        make_photo(tmp_path / "Screenshots" / "b" / "a.jpg", 1)
        (tmp_path / "a" / "notes.txt").touch()
        (tmp_path / "Screenshots" / "c").mkdir()
        assert not changed()
        photo = make_photo(tmp_path / "a" / "a.jpg", 1)
        assert changed()
        while file_events.wait(0.3).changed:
            pass
        photo.read_bytes()
        assert not changed()
        (tmp_path / "a").rename(tmp_path / "b")
        assert changed()
        file_events.unwatch(tmp_path)
        while file_events.wait(0.3).changed:
            pass
        make_photo(tmp_path / "c.jpg", 1)
        assert not changed()
        file_events.wake()
        with pytest.raises(OSError):
            file_events.watch(tmp_path / "none")
        assert len(file_events) == 0
    finally:
        file_events.close()
