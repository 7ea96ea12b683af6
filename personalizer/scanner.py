"""Makes the library agree with the folders: new, changed, moved, missing and unreadable files. Events are hints,
this is the truth. Knows files, hashes and the library; decoding and analysis happen in other processes.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from personalizer.analysis_process import (
    PHOTO_TIMEOUT_S,
    Analysed,
    AnalysisProcess,
    Answer,
    Broken,
    Crashed,
    Unreadable,
    wait_for_any,
)
from personalizer.decoding import read_photo_bytes
from personalizer.embedding import ensure_object_model
from personalizer.errors import FamiliarError, UnreadablePhotoError
from personalizer.faces_switch import faces_are_on, note_faceless
from personalizer.folders import SeenFile, find_files, is_listable, may_be_photo
from personalizer.library import FailureRecord, FileRecord, Library
from personalizer.mass_loss import FolderCount, device_of, why_frozen
from personalizer.schemas import OnProgress, Progress, ScanReport

MAX_ATTEMPTS = 3
RECENT_S = 5.0
"""A file that was written to so recently may still be written to: it is looked at twice."""
LOOK_AGAIN_S = 0.3
"""Between the two looks."""
PROCESSES = 2
_POLL_S = 0.5


@dataclass
class _Tally:
    seen: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    missing: int = 0
    analysed: int = 0
    waiting: int = 0
    frozen: list[dict[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)


def scan(
    library: Library,
    roots: Sequence[Path],
    models: Path,
    *,
    progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    processes: int = PROCESSES,
    accept_missing: bool = False,
) -> ScanReport:
    """Reconcile `library` with the files under `roots`.

    Every photo is stored in one transaction of its own, so a scan may be killed at any moment and simply run again.
    `models` holds the converted network (and gets it on first use). When `cancelled` returns True the scan stops
    after the photos it has, marks nothing missing and reports what it did. Files that could not be read are in
    `failed`, also those from earlier scans that did not change. Damaged content is left alone until the file changes;
    a file that could not be opened, or was too much for the memory, is tried again by every scan.

    Where much of a folder is gone at once (`mass_loss`), or the folder is, its photos stay as they are and the folder
    is frozen until they are back or a scan may `accept_missing`. A file that changes while it is looked at is left for
    the next scan.
    """
    return _Scan(library, models, progress, cancelled, processes, accept_missing).run(roots)


class _Scan:
    """One run; the only writer of what it finds."""

    def __init__(
        self,
        library: Library,
        models: Path,
        progress: OnProgress | None,
        cancelled: Callable[[], bool] | None,
        processes: int,
        accept_missing: bool,
    ) -> None:
        self.library = library
        self.accept_missing = accept_missing
        self.models = models
        self.progress: OnProgress = progress or _say_nothing
        self.cancelled = cancelled or _never
        self.processes = processes
        self.faces = faces_are_on(library)
        self.tally = _Tally()
        self.known: dict[Path, FileRecord] = {}
        self.failures: dict[Path, FailureRecord] = {}
        self.in_hand: dict[str, list[SeenFile]] = {}
        """By content hash: files whose photo is being analysed; the first was sent, the others are copies."""
        self.forgotten: set[int] = set()
        """Photos in which nothing is looked for any more."""
        self.gone: dict[int, list[Path]] = {}
        """By photo: known paths that are no longer there, to recognise moved files by."""
        self.done = 0
        self.total = 0

    def run(self, roots: Sequence[Path]) -> ScanReport:
        started_s = time.monotonic()
        self.known = self.library.files()
        self.failures = {failure.path: failure for failure in self.library.failures()}
        self.forgotten = self.library.forgotten_photos()
        self.progress(Progress(0, 0, "Looking for photos"))
        # A root that cannot be listed (a drive that is not plugged in) says nothing about its files.
        folders = list(map(Path, roots))
        present = [root for root in folders if self.accept_missing or is_listable(root)]
        unlistable: set[Path] = set()
        seen: dict[Path, SeenFile] = {}
        work: list[SeenFile] = []
        for file in find_files(present, [self.library.path.parent], unlistable):
            if file.path not in self.known and file.path not in self.failures and not may_be_photo(file.path):
                continue
            seen[file.path] = file
            if self._needs_work(file):
                work.append(file)
        self.tally.seen = len(seen)
        self.looked_at_s = time.monotonic()
        gone = [
            path
            for path in self.known
            if path not in seen and _is_under(path, present) and not _is_under(path, unlistable)
        ]
        for path in gone:
            self.gone.setdefault(self.known[path].photo_id, []).append(path)
        # The newest first: they are what a person looks for. Files that were in hand when an earlier scan died come
        # last: the cause may be among them.
        work.sort(key=lambda file: (self._crashed_before(file), -file.mtime_ns))
        finished = self._work_through(work)
        if finished:
            self._conclude(folders, gone, seen)
        elapsed_s = time.monotonic() - started_s
        return ScanReport(
            seen=self.tally.seen,
            new=self.tally.new,
            changed=self.tally.changed,
            moved=self.tally.moved,
            missing=self.tally.missing,
            waiting=self.tally.waiting,
            frozen=self.tally.frozen,
            failed=sorted(self.tally.failed, key=lambda failure: failure["path"]),
            elapsed_s=round(elapsed_s, 3),
            photos_per_s=round(self.tally.analysed / max(elapsed_s, 1e-9), 2),
        )

    def _needs_work(self, file: SeenFile) -> bool:
        known = self.known.get(file.path)
        unchanged = known is not None and (known.size, known.mtime_ns) == (file.size, file.mtime_ns)
        if known is not None and unchanged and file.path not in self.failures:
            if known.missing:
                self.library.record_file(file.path, known.photo_id, file.size, file.mtime_ns)
            return False
        failure = self.failures.get(file.path)
        if failure is None or (failure.size, failure.mtime_ns) != (file.size, file.mtime_ns):
            return True
        if failure.retry and failure.attempts < MAX_ATTEMPTS:
            return True
        reason = failure.reason or f"reading it ended the program {failure.attempts} times"
        if failure.retry:
            self.library.record_failure(file.path, file.size, file.mtime_ns, reason)
        self._note_failure(file, reason)
        return False

    def _crashed_before(self, file: SeenFile) -> bool:
        # Also true of a file that could not be opened, which is then only slower, never left out.
        failure = self.failures.get(file.path)
        return failure is not None and failure.retry

    def _work_through(self, work: list[SeenFile]) -> bool:
        """Read and analyse; False when it was cancelled."""
        self.total = len(work)
        waiting = deque(work)
        prepared = False
        idle: list[AnalysisProcess] = []
        busy: dict[AnalysisProcess, tuple[str, SeenFile, float]] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.processes:
                    # Asked per file: content that is known only gets hashed and leaves this loop last.
                    if self.cancelled():
                        waiting.clear()
                        break
                    # Suspects go one at a time, so that a second crash of this process names the culprit.
                    if self._crashed_before(waiting[0]) and busy:
                        break
                    file = waiting.popleft()
                    content = self._read(file)
                    if content is None:
                        continue
                    content_hash, data = content
                    if not prepared:
                        # Once and here: two children would both convert, and its failure is no photo's.
                        self.progress(Progress(self.done, self.total, "Preparing the models"))
                        ensure_object_model(self.models)
                        prepared = True
                    process = idle.pop() if idle else AnalysisProcess(self.models, faces=self.faces)
                    process.send(file.path, data)
                    self.in_hand[content_hash] = [file]
                    busy[process] = (content_hash, file, time.monotonic() + PHOTO_TIMEOUT_S)
                    if self._crashed_before(file):
                        break
                for process, answer in self._answers(busy):
                    content_hash, file, _ = busy.pop(process)
                    idle.append(process)
                    self._store(content_hash, file, answer)
        finally:
            for process in [*idle, *busy]:
                process.stop()
        # Copies of a photo that was in hand when the scan was cancelled are left for the next one.
        return not self.cancelled()

    @staticmethod
    def _answers(
        busy: dict[AnalysisProcess, tuple[str, SeenFile, float]],
    ) -> list[tuple[AnalysisProcess, Answer]]:
        if not busy:
            return []
        answers: list[tuple[AnalysisProcess, Answer]] = [
            (process, process.receive()) for process in wait_for_any(list(busy), _POLL_S)
        ]
        answered = {process for process, _ in answers}
        now_s = time.monotonic()
        for process, (_, _, deadline_s) in busy.items():
            if process not in answered and now_s > deadline_s:
                answers.append((process, process.give_up()))
        return answers

    def _read(self, file: SeenFile) -> tuple[str, bytes] | None:
        """Hash and bytes of a file whose content is not known yet; everything else is settled here."""
        if not self._is_at_rest(file):
            self._leave_for_later(file)
            return None
        try:
            content = read_photo_bytes(file.path)
        except UnreadablePhotoError as error:
            # The system's own error says something about now; all else is said about the content.
            self._fail(file, error.found, passing=isinstance(error.__cause__, OSError))
            return None
        except MemoryError:
            self._fail(file, "not enough memory to read it", passing=True)
            return None
        if self._changed_since(file):
            self._leave_for_later(file)
            return None
        content_hash = hashlib.sha256(content).hexdigest()
        photo = self.library.photo_by_hash(content_hash)
        if photo is not None:
            self._record_known(file, photo.id)
            return None
        if content_hash in self.in_hand:
            self.in_hand[content_hash].append(file)
            return None
        self.library.begin_attempt(file.path, file.size, file.mtime_ns)
        return content_hash, content

    def _record_known(self, file: SeenFile, photo_id: int) -> None:
        """A file with content that the library has: moved, copied, or only touched."""
        before = self.known.get(file.path)
        moved_from = self.gone.get(photo_id)
        if before is not None:
            self.library.record_file(file.path, photo_id, file.size, file.mtime_ns)
            self.tally.changed += before.photo_id != photo_id
        elif moved_from:
            self.library.move_file(moved_from.pop(), file.path, size=file.size, mtime_ns=file.mtime_ns)
            self.tally.moved += 1
        else:
            self.library.record_file(file.path, photo_id, file.size, file.mtime_ns)
            self.tally.new += 1
        self._step(file)

    def _store(self, content_hash: str, file: SeenFile, answer: Answer) -> None:
        copies = self.in_hand.pop(content_hash)[1:]
        if isinstance(answer, Broken):
            # The attempt was not the photo's fault and must not count against it.
            self.library.clear_failures([file.path])
            raise FamiliarError(
                tried="analysing photos",
                found=answer.message,
                fix="Check the installation with: familiar doctor",
            )
        if isinstance(answer, Analysed):
            before = self.known.get(file.path)
            # Edited, it still shows what was forgotten; whose face is whose can no longer be told.
            forgotten = before is not None and before.photo_id in self.forgotten
            with self.library.transaction():
                photo = self.library.record_photo(
                    content_hash=content_hash,
                    path=file.path,
                    size=file.size,
                    mtime_ns=file.mtime_ns,
                    width_px=answer.width_px,
                    height_px=answer.height_px,
                    taken_at=answer.taken_at,
                    latitude=answer.latitude,
                    longitude=answer.longitude,
                    camera=answer.camera,
                    detections=[] if forgotten else answer.detections,
                    fingerprint=None if forgotten else answer.fingerprint,
                    analysed_by=answer.analysed_by,
                )
                if forgotten:
                    self.library.mark_forgotten([photo.id])
                if not self.faces:
                    note_faceless(self.library, photo.id)
            self.tally.analysed += 1
            if file.path in self.known:
                self.tally.changed += 1
            else:
                self.tally.new += 1
            self._step(file)
            for copy in copies:
                self._record_known(copy, photo.id)
            return
        for each in (file, *copies):
            if isinstance(answer, Unreadable):
                self._fail(each, answer.reason, passing=answer.passing)
            else:
                self._fail(each, _crash_reason(answer), crashed=True)

    def _fail(self, file: SeenFile, reason: str, *, crashed: bool = False, passing: bool = False) -> None:
        """Record a failure: one that is `passing` is tried again by every scan, a crash a few times."""
        with self.library.transaction():
            if passing:
                # Starts counting anew, since the attempts that are counted are limited.
                self.library.clear_failures([file.path])
            self.library.record_failure(file.path, file.size, file.mtime_ns, reason, retry=crashed or passing)
        self._note_failure(file, reason)
        self._step(file)

    def _note_failure(self, file: SeenFile, reason: str) -> None:
        self.tally.failed.append({"path": str(file.path), "reason": reason})

    def _step(self, file: SeenFile) -> None:
        self.done += 1
        self.progress(Progress(self.done, self.total, f"Reading {file.path.name}"))

    def _is_at_rest(self, file: SeenFile) -> bool:
        """Whether the file is what it was when the folders were looked at; one written to just now gets some time."""
        # A time in the future is one of a clock that was put back, and says as little.
        if time.time() - file.mtime_ns / 1e9 < RECENT_S:
            time.sleep(max(0.0, self.looked_at_s + LOOK_AGAIN_S - time.monotonic()))
        return not self._changed_since(file)

    @staticmethod
    def _changed_since(file: SeenFile) -> bool:
        """Whether it was written to since; False for one that is gone, which reading will say."""
        try:
            status = file.path.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns)

    def _leave_for_later(self, file: SeenFile) -> None:
        self.tally.waiting += 1
        self._step(file)

    def _conclude(self, roots: Sequence[Path], gone: Sequence[Path], seen: dict[Path, SeenFile]) -> None:
        """Take what is gone for deleted, but freeze folders of which too much is; end that where photos are back.

        Of a frozen folder nothing is concluded: neither that photos are gone, nor that what failed there is.
        """
        still_known = self.library.files()
        lost = [path for path in gone if path in still_known and not self.known[path].missing]
        innermost = _Innermost(roots)
        known = Counter(innermost.of(path) for path, record in self.known.items() if not record.missing)
        lost_of = Counter(map(innermost.of, lost))
        devices = self.library.root_devices()
        settled: set[Path] = set()
        for root in roots:
            device = device_of(root)
            count = FolderCount(known[root], lost_of[root], devices.get(root), device)
            why = None if self.accept_missing else why_frozen(count)
            self.library.set_frozen(root, why)
            if why is not None:
                self.tally.frozen.append({"path": str(root), "reason": why})
                continue
            if device is not None:
                self.library.set_root_device(root, device)
            if device is not None or self.accept_missing:
                settled.add(root)
        missing = [path for path in lost if innermost.of(path) in settled]
        self.library.mark_missing(missing)
        self.tally.missing = len(missing)
        self.library.clear_failures(
            path for path in self.failures if path not in seen and innermost.of(path) in settled
        )


class _Innermost:
    """Which of some folders a file belongs to: each file counts once, also where one folder is in another."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = frozenset(roots)
        self._known: dict[Path, Path | None] = {}

    def of(self, path: Path) -> Path | None:
        """The innermost of the folders around the file, None where there is none."""
        folder = path.parent
        if folder not in self._known:
            self._known[folder] = next((one for one in (folder, *folder.parents) if one in self._roots), None)
        return self._known[folder]


def _say_nothing(progress: Progress) -> None:
    pass


def _never() -> bool:
    return False


def _crash_reason(crash: Crashed) -> str:
    return f"the program that reads photos {crash.how}" if "ended" in crash.how else crash.how


def _is_under(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)
