"""Imports the files that a walk found: hashes, analyzes and records them.

Decoding and analysis happen in other processes.
"""

from __future__ import annotations

import hashlib
import time
from array import array
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from personalizer.analysis.process import (
    PHOTO_TIMEOUT_S,
    Analysed,
    AnalysisProcess,
    Answer,
    Broken,
    Crashed,
    Unreadable,
    broken,
    wait_for_any,
)
from personalizer.errors import UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.library.photos.failures import MAX_ATTEMPTS
from personalizer.library.photos.photos import NewPhoto
from personalizer.library.photos.seen_files import OpenWork, ScanTable
from personalizer.photos.decode import read_photo_bytes
from personalizer.scan.file_system import Settling, age_s, current_state, is_being_written, is_same, rest_s
from personalizer.scan.texts import texts_of
from personalizer.schemas import OnProgress, Progress, ScanReport, SeenFile

_POLL_S = 0.5


PROCESSES = 2


@dataclass(frozen=True, slots=True)
class ScanControl:
    """The caller's controls of a scan, and its settings."""

    progress: OnProgress = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    """Once it says True the scan stops after the photos it has, and marks nothing missing."""
    advanced: Callable[[], None] = lambda: None
    """Called after every file that no later scan has to look at as it is."""
    processes: int = PROCESSES
    settling: Settling = Settling()  # noqa: RUF009 - frozen
    """A file that changes while it is looked at is left for the next scan."""


class UndecidedError(Exception):
    """It is undecided whether a file is a known one that was moved."""


@dataclass
class Tally:
    """The counts of a scan."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    missing: int = 0
    excluded: int = 0
    analysed: int = 0
    waiting: int = 0
    frozen: list[dict[str, str]] = field(default_factory=list)
    unlisted: list[dict[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    unread_kinds: Counter[str] = field(default_factory=Counter)
    links: int = 0
    undecided: int = 0
    """Files that may have moved, about which nothing was stored."""

    def report(self, elapsed_s: float) -> ScanReport:
        """For who asked for the scan."""
        return ScanReport(
            seen=self.seen,
            new=self.new,
            changed=self.changed,
            moved=self.moved,
            missing=self.missing,
            waiting=self.waiting,
            excluded=self.excluded,
            frozen=self.frozen,
            unlisted=self.unlisted,
            failed=sorted(self.failed, key=lambda failure: failure["path"]),
            unread_kinds=dict(self.unread_kinds.most_common()),
            links=self.links,
            elapsed_s=round(elapsed_s, 3),
            photos_per_s=round(self.analysed / max(elapsed_s, 1e-9), 2),
        )

    def note_failure(self, path: Path, reason: str) -> None:
        """Count a file that could not be read."""
        self.failed.append({"path": str(path), "reason": reason})


class PhotoImport:
    """The part of one scan that stores photos; every photo in a transaction of its own.

    `may_have_moved_from` says whether a known file is gone, so that the same content elsewhere is that file; where it
    raises `UndecidedError` nothing is stored.
    """

    def __init__(
        self,
        library: Library,
        table: ScanTable,
        tally: Tally,
        control: ScanControl,
        *,
        network_places: Collection[str],
        may_have_moved_from: Callable[[Path], bool],
    ) -> None:
        self.library = library
        self.table = table
        self.tally = tally
        self.control = control
        self.network_places = network_places
        self.may_have_moved_from = may_have_moved_from
        self.faces = library.faces_are_on()
        self.forgotten = library.forgotten_photos()
        """Photos in which nothing is looked for any more."""
        self.in_hand: dict[str, list[SeenFile]] = {}
        """By content hash: files whose photo is being analysed; the first was sent, the others are copies."""
        self.looked_s = 0.0
        self.done = 0
        self.total = 0

    def run(self, looked_s: float) -> bool:
        """Read and analyse what is open in the table; False when it was cancelled.

        `looked_s` is when the walk ended, in monotonic seconds.
        """
        numbers, suspects = self._work()
        self.total, self.looked_s = len(numbers), looked_s
        position = 0
        idle: list[AnalysisProcess] = []
        busy: dict[AnalysisProcess, tuple[str, SeenFile, float]] = {}
        try:
            while position < len(numbers) or busy:
                while position < len(numbers) and len(busy) < self.control.processes:
                    # Asked per file: content that is known only gets hashed and leaves this loop last.
                    if self.control.cancelled():
                        position = len(numbers)
                        break
                    number = numbers[position]
                    # Suspects go one at a time, so that a second crash of this process names the culprit.
                    if number in suspects and busy:
                        break
                    position += 1
                    file = self.table.file(number)
                    content = self._read(file)
                    if content is None:
                        continue
                    content_hash, data = content
                    process = idle.pop() if idle else AnalysisProcess(faces=self.faces)
                    process.send(file.path, data)
                    self.in_hand[content_hash] = [file]
                    busy[process] = (content_hash, file, time.monotonic() + PHOTO_TIMEOUT_S)
                    if number in suspects:
                        break
                for process, answer in self._answers(busy):
                    content_hash, file, _ = busy.pop(process)
                    idle.append(process)
                    self._store(content_hash, file, answer)
        finally:
            for process in [*idle, *busy]:
                process.stop()
        # Copies of a photo that was in hand when the scan was cancelled are left for the next one.
        return not self.control.cancelled()

    def _work(self) -> tuple[array[int], set[int]]:
        """The numbers of files to read, in order, and those among them that were in hand when an earlier scan died."""
        numbers, suspects = array("q"), set()
        for file in self.table.open_work():
            if self._is_given_up(file):
                continue
            numbers.append(file.id)
            # Also true of a file that could not be opened, which is then only slower, never left out.
            if file.failed and file.retry:
                suspects.add(file.id)
        return numbers, suspects

    def _is_given_up(self, file: OpenWork) -> bool:
        """Whether the file failed for good; it is reported again."""
        if not file.failed_as_it_is or (file.retry and file.attempts < MAX_ATTEMPTS):
            return False
        reason = file.reason or f"reading it ended the program {file.attempts} times"
        if file.retry:
            self.library.record_failure(file.path, file.size, file.mtime_ns, reason)
        self.tally.note_failure(file.path, reason)
        return True

    def _is_network(self, file: SeenFile) -> bool:
        return file.place in self.network_places

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
        rest = rest_s(file, self.control.settling, network=self._is_network(file))
        if rest:
            # Of all files together this takes no longer than of one: the walk looked at them before.
            time.sleep(max(0.0, self.looked_s + rest - time.monotonic()))
        if self._is_restless(file):
            return None
        # Before it is read: a drive that never answers ends the worker.
        self.library.begin_attempt(file.path, file.size, file.mtime_ns)
        content = self._read_new(file)
        if content is None or content[0] not in self.in_hand:
            return content
        self.in_hand[content[0]].append(file)
        return None

    def _read_new(self, file: SeenFile) -> tuple[str, bytes] | None:
        try:
            content = read_photo_bytes(file.path)
        except UnreadablePhotoError as error:
            # Also here: what was said about a file that is being written is not said about the whole of it.
            if not self._is_restless(file, begun=True):
                # The system's own error says something about now; all else is said about the content.
                self._fail(file, error.found, passing=isinstance(error.__cause__, OSError))
            return None
        except MemoryError:
            self._fail(file, "not enough memory to read it", passing=True)
            return None
        # What was read may be of two versions of the file.
        if self._is_restless(file, begun=True):
            return None
        content_hash = hashlib.sha256(content).hexdigest()
        photo = self.library.photo_by_hash(content_hash)
        if photo is not None:
            self._record_known(file, photo.id)
            return None
        return content_hash, content

    def _is_restless(self, file: SeenFile, *, begun: bool = False) -> bool:
        """Whether the file is not what the walk saw, or is being written, and is settled with that.

        An attempt to read it that had `begun` then says nothing about it.
        """
        network = self._is_network(file)
        try:
            now = current_state(file)
        except OSError:
            return False  # reading it says why
        if now is None:
            # It went away after it was seen: whether it moved or is missing is found out as for all others.
            self.table.discard(file.path)
        elif not is_same(file, now, network=network) or self._is_open_for_writing(file):
            self.tally.waiting += 1
        else:
            return False
        if begun:
            self.library.clear_failures([file.path])
        self._step(file, stored=False)
        return True

    def _is_open_for_writing(self, file: SeenFile) -> bool:
        """Whether to wait for a program that may still write to the file."""
        age = age_s(file)
        # A time in the future says nothing, and must not have a file wait for ever.
        if age is None or age > self.control.settling.writer_s or self._is_network(file):
            return False
        return is_being_written(file.path)

    def _moved_from(self, photo_id: int) -> Path | None:
        """Where a photo was that is somewhere else now."""
        places = self.table.unseen_places_of(photo_id)
        return next((place for place in places if self.may_have_moved_from(place)), None)

    def _record_known(self, file: SeenFile, photo_id: int) -> None:
        """A file with content that the library has: moved, copied, or only touched."""
        before = self.table.photo_at(file.path)
        try:
            if before is not None:
                self.library.record_file(file.path, photo_id, file.size, file.mtime_ns)
                self.tally.changed += before != photo_id
            elif (moved_from := self._moved_from(photo_id)) is not None:
                self.library.move_file(moved_from, file.path, size=file.size, mtime_ns=file.mtime_ns)
                self.tally.moved += 1
            else:
                self.library.record_file(file.path, photo_id, file.size, file.mtime_ns)
                self.tally.new += 1
        except UndecidedError:
            # The attempt says nothing about the file.
            self.library.clear_failures([file.path])
            self.tally.undecided += 1
            self._step(file, stored=False)
        else:
            self._step(file)

    def _store(self, content_hash: str, file: SeenFile, answer: Answer) -> None:
        copies = self.in_hand.pop(content_hash)[1:]
        if isinstance(answer, Broken):
            # The attempt was not the photo's fault and must not count against it, nor against others in hand.
            others = chain.from_iterable(self.in_hand.values())
            self.library.clear_failures([each.path for each in (file, *copies, *others)])
            raise broken(answer)
        if isinstance(answer, Analysed):
            before = self.table.photo_at(file.path)
            # Edited, it still shows what was forgotten; whose face is whose can no longer be told.
            forgotten = before in self.forgotten
            with self.library.transaction():
                wanted, faces = self.library.still_wanted(answer.detections, faces=self.faces)
                photo = self.library.record_photo(
                    NewPhoto(
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
                        detections=[] if forgotten else wanted,
                        fingerprint=None if forgotten else answer.fingerprint,
                        analysed_by=answer.analysed_by,
                        labels=[] if forgotten else answer.labels,
                        texts={} if forgotten else texts_of(answer.written),
                    )
                )
                if forgotten:
                    self.library.mark_forgotten([photo.id])
                if not faces:
                    self.library.note_faceless(photo.id)
            self.tally.analysed += 1
            if before is not None:
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
            elif isinstance(answer, Crashed):
                self._fail(each, _crash_reason(answer), crashed=True)

    def _fail(self, file: SeenFile, reason: str, *, crashed: bool = False, passing: bool = False) -> None:
        """Record a failure: one that is `passing` is tried again by every scan, a crash a few times."""
        with self.library.transaction():
            if passing:
                # Starts counting anew, since the attempts that are counted are limited.
                self.library.clear_failures([file.path])
            self.library.record_failure(file.path, file.size, file.mtime_ns, reason, retry=crashed or passing)
        self.tally.note_failure(file.path, reason)
        self._step(file, stored=not passing)

    def _step(self, file: SeenFile, *, stored: bool = True) -> None:
        """One file less; where that was not `stored` for good, the next scan looks at it again."""
        if stored:
            self.control.advanced()
        self.done += 1
        self.control.progress(Progress(self.done, self.total, f"Reading {file.path.name}"))


def _crash_reason(crash: Crashed) -> str:
    return f"the program that reads photos {crash.how}" if "ended" in crash.how else crash.how
