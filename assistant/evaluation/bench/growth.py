"""What a new photo costs in a library that knows many faces already, against one that knows nobody.

By the scan that the watcher of the folders asks for, as the worker runs it, from the file to its group: reading, faces
and things, the library, the index, copies and bursts, grouping. The many faces are those of people who do not exist.
"""

from __future__ import annotations

import io
import os
import queue
import resource
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assistant.evaluation.data.synthetic_people import add_photos, draw_people
from assistant.worker.registry import make_handlers
from personalizer.errors import FamiliarError, UsageError
from personalizer.home import Home
from personalizer.jobs.due import ask_for_scan
from personalizer.jobs.loop import Handler, run_worker_loop
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.photos.perceptual_hash import TONES_BYTES, Fingerprint
from personalizer.scan.exclusions import exclusions_of
from personalizer.scan.notes import read_notes
from personalizer.schemas import OnProgress, Progress
from personalizer.watch.roots import WatchTimes
from personalizer.watch.watcher import Watcher

_PHOTOS_PER_PERSON = 5
_TOLD = {"backbone": "pocket", "device": "cpu"}
_DEBOUNCE_S = 0.5
_SCAN_REQUEST_S = 30.0
_SETTLED_S = 3600
"""A file that was written just now is looked at twice by a scan."""


def measure_growth(
    home: Home,
    photos: Sequence[Path],
    *,
    faces: int = 100_000,
    batches: Sequence[int] = (20, 1),
    repeats: int = 5,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Let new photos, made of `photos`, come into both libraries in turn, so many at a time; JSON values.

    `per_photo_s` are medians of the seconds that pass, `cpu_s` those that the worker and its processes compute, which
    say more on a machine that others use as well; the ratios are those of full to empty. The outermost numbers are of
    the first of the `batches`, all are `by_batch`: a job has its price, however few photos are new. `home` lends a
    place for the two libraries. Photos of people show most: `faces_found` in those that were added.
    """
    if not photos or faces < 1 or repeats < 1 or not batches or min(batches) < 1:
        raise UsageError(
            tried="measuring the cost of new photos",
            found=f"{len(photos)} photos, {faces} faces, batches of {list(batches)}, {repeats} repeats",
            fix="Give at least one of each.",
        )
    home.ensure()
    say = on_progress or _say_nothing
    with tempfile.TemporaryDirectory(prefix="growth-", dir=home.root) as folder:
        libraries = {
            name: _Grown(Home(Path(folder) / name), Path(folder) / f"{name}-photos")
            for name in ("empty", "full")
        }
        try:
            say(Progress(0, 0, f"Filling a library with {faces:,} faces"))
            libraries["full"].fill(faces, seed)
            random = np.random.default_rng([seed, 1])
            # The first time in each loads what stays loaded in a worker.
            rounds = [1, *(batch for batch in batches for _ in range(repeats))]
            for number, batch in enumerate(rounds):
                say(Progress(number, len(rounds), "Adding photos"))
                for one in libraries.values():
                    pictures = [_varied(photos[n % len(photos)], random) for n in range(batch)]
                    one.take_in(pictures, counted=number > 0)
        finally:
            for one in libraries.values():
                one.library.close()
    by_batch = {str(batch): _compared(libraries, batch) for batch in batches}
    return {
        **by_batch[str(batches[0])],
        "unit": "seconds per photo",
        "by_batch": by_batch,
        "faces_found": {name: one.faces for name, one in libraries.items()},
        "settings": {"faces": faces, "batches": list(batches), "repeats": repeats, "seed": seed},
    }


def _compared(libraries: dict[str, _Grown], batch: int) -> dict[str, Any]:
    per_photo_s, cpu_s = (
        {name: float(np.median(spent[batch])) / batch for name, spent in all_spent.items()}
        for all_spent in (
            {name: one.elapsed_s for name, one in libraries.items()},
            {name: one.cpu_s for name, one in libraries.items()},
        )
    )
    return {
        "per_photo_s": {name: round(value, 4) for name, value in per_photo_s.items()},
        "cpu_s": {name: round(value, 4) for name, value in cpu_s.items()},
        "ratio": round(per_photo_s["full"] / per_photo_s["empty"], 3),
        "cpu_ratio": round(cpu_s["full"] / cpu_s["empty"], 3),
    }


@dataclass
class _Grown:
    """A library with its worker's handlers, which keep what they have loaded from job to job."""

    home: Home
    folder: Path
    library: Library = field(init=False)
    elapsed_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Of whole batches, by their size."""
    faces: int = 0
    """Found in the photos that were added."""
    _handlers: dict[str, Handler] = field(init=False)
    _taken: int = 0

    def __post_init__(self) -> None:
        self.home.ensure()
        self.folder.mkdir(mode=0o700)
        self.library = Library.open(self.home.database)
        self.library.add_root(self.folder)
        self._queue = JobQueue(self.library)
        self._handlers = make_handlers(self.home, self.library, self._queue)

    def fill(self, faces: int, seed: int) -> None:
        """People who do not exist, in photos of one face each, grouped and in the index."""
        people = draw_people(max(1, faces // _PHOTOS_PER_PERSON), seed)
        random = np.random.default_rng([seed, 2])
        order = np.resize(random.permutation(len(people.identities)), faces)
        # Files that are as the library knows them: a scan looks at each of them and reads none.
        old = self.folder / "old"
        old.mkdir(mode=0o700)
        for number in range(faces):
            path = old / f"{number}.jpg"
            path.write_bytes(b"x")
            os.utime(path, ns=(1, 1))
        ids = add_photos(self.library, people.vectors[order], list(range(faces)), old)
        with self.library.transaction():
            for detection_id in ids:
                made = Fingerprint(int(random.integers(0, 1 << 63)), random.bytes(TONES_BYTES))
                self.library.add_fingerprint(self.library.detection(detection_id).photo_id, made)
        self._scan()

    def take_in(self, pictures: Sequence[bytes], *, counted: bool) -> None:
        """Put photos into the folder, and do the scan that noticing them asks for."""
        scan_requests: queue.SimpleQueue[frozenset[str] | None] = queue.SimpleQueue()
        watcher = Watcher(
            self.library.roots,
            scan_requests.put,
            exclusions=lambda: exclusions_of(self.library),
            unfinished=lambda: read_notes(self.library).want_a_look,
            times=WatchTimes(debounce_s=_DEBOUNCE_S),
        )
        with watcher:
            for content in pictures:
                self._taken += 1
                path = self.folder / f"{self._taken}.jpg"
                path.write_bytes(content)
                settled_s = time.time() - _SETTLED_S
                os.utime(path, (settled_s, settled_s))
            try:
                noticed = scan_requests.get(timeout=_SCAN_REQUEST_S)
            except queue.Empty:
                # Where the system would not have the folder watched.
                noticed = None
        before = self.library.counts()
        began_s, cpu_s = time.monotonic(), _cpu_s()
        self._scan(noticed)
        if counted:
            self.elapsed_s[len(pictures)].append(time.monotonic() - began_s)
            self.cpu_s[len(pictures)].append(_cpu_s() - cpu_s)
        after = self.library.counts()
        self.faces += after["faces"] - before["faces"]
        if after["photos"] != before["photos"] + len(pictures):
            raise FamiliarError(
                tried="adding photos to measure what they cost",
                found="not all of them could be read",
                fix="Give photos that `familiar add` takes.",
            )

    def _scan(self, folders: frozenset[str] | None = None) -> None:
        job = ask_for_scan(self._queue, _TOLD, folders)
        run_worker_loop(self._queue, {"scan": self._handlers["scan"]}, threading.Event(), idle_exit_s=0)
        done = self._queue.get(job)
        if done.state != "done":
            raise FamiliarError(
                tried="scanning a library to measure it", found=done.error or done.state, fix="Try again."
            )


def _cpu_s() -> float:
    """What this process and those of its children that have ended computed so far."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _varied(path: Path, random: np.random.Generator) -> bytes:
    """The photo as another one: a little brighter here and there, as no copy of an earlier one is."""
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except OSError as error:
        raise UsageError(
            tried=f"measuring with {path}",
            found="no photo that can be read",
            fix="Give JPEG or PNG files.",
        ) from error
    tint = Image.fromarray(random.integers(0, 256, (9, 9, 3), np.uint8)).resize(image.size)
    content = io.BytesIO()
    Image.blend(image, tint, 0.1).save(content, "JPEG", quality=90)
    return content.getvalue()


def _say_nothing(progress: Progress) -> None:
    pass
