"""`familiar bench ingest`: importing large photos here against the command `face_recognition`, in turns.

Here means all that an import does, in the worker that serves: faces, things, vectors, index and groups. The command
only looks for faces. Knows processes and folders; composing and the arithmetic are elsewhere.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.daemon.process import running_worker_pid, stop_worker
from assistant.demo.run import SAMPLE_LIBRARY
from assistant.evaluation.bench.face_finds import Finds, compare_finds
from assistant.evaluation.bench.growth import measure_growth
from assistant.evaluation.bench.memory import measure_memory
from assistant.evaluation.bench.process_memory import ProcessorSampler
from assistant.evaluation.data.composites import (
    Composer,
    CompositeConfig,
    Ingredient,
    KnownFace,
    read_ingredients,
)
from assistant.evaluation.data.options import EvaluationRun, IngestOptions
from assistant.evaluation.data.protocol import read_photos
from assistant.service.familiar import Familiar
from personalizer.errors import FamiliarError, NotFoundError, UsageError
from personalizer.home import Home, child_environment
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, OnProgress, Progress, ScanReport

COMMAND = "face_recognition"
STOP_PATIENCE_S = 30.0
GROWTH_PHOTOS = 6
INGREDIENTS = 240
"""Photos of each folder that are composed at most: searching them for known faces takes a tenth of a second each."""


def benchmark_ingest(options: IngestOptions, run: EvaluationRun) -> dict[str, Any]:
    """Photos per second of both, which faces each finds, and on request memory and the cost in a large library.

    The small photos are composed into large ones, which `keep` keeps. `reference_command` is the command to
    measure against; without it the one on the path, and without that the same work done by our own code
    (`face_recognition_tool`). Raises `UsageError` and `NotFoundError` for what cannot be measured.
    """
    folders = options.photos or [SAMPLE_LIBRARY]
    say = run.on_progress or _say_nothing
    command = find_command(options.reference_command)
    run.home.ensure()
    with (
        tempfile.TemporaryDirectory(prefix="ingest-", dir=run.home.root) as work_folder,
        _on_cores(options.cores),
    ):
        work = Path(work_folder)
        ingredients = _ingredients(folders, say)
        photos = prepared_folder(options.keep) if options.keep is not None else work / "photos"
        known = _compose(ingredients, photos, options, say)
        people = _known_person(ingredients, work / "people")
        ours: list[_Ours] = []
        baseline: list[_Theirs] = []
        for number in range(options.repeats):
            say(Progress(2 * number, 2 * options.repeats, "Importing"))
            ours.append(_import(work / f"home{number}", photos))
            say(Progress(2 * number + 1, 2 * options.repeats, "Measuring what is compared with"))
            baseline.append(_reference(command, people, photos, options.cores))
        reference = _reference_faces(command, baseline, people, photos, options, say)
        report = _report(options, ours, baseline, compare_finds(known, ours[-1].finds, reference))
        report["reference"] = _about_reference(command, baseline[-1].lines, reference)
        report["settings"] |= {
            "folders": [str(folder) for folder in folders],
            "photos": len(known),
            "ingredients": len(ingredients),
            "megapixels": _megapixels(),
            "mib_per_photo": _mean_mib(photos),
        }
        if options.photos_count:
            small = [one.image for one in ingredients]
            report["memory"] = measure_memory(work, small, options.photos_count, options.seed, say)
        if options.library_faces:
            report["library"] = measure_growth(
                run.home,
                sorted(photos.iterdir())[:GROWTH_PHOTOS],
                faces=options.library_faces,
                seed=options.seed,
                on_progress=run.on_progress,
            )
    return report


def _reference_faces(
    command: Path | None,
    baseline: Sequence[_Theirs],
    people: Path,
    photos: Path,
    options: IngestOptions,
    say: OnProgress,
) -> Any:
    """Where what is compared with sees faces; the command keeps its boxes to itself, so the same work says them."""
    if command is None:
        return reference_finds(baseline[-1].lines)
    say(Progress(0, 0, "Looking where the command sees faces"))
    return reference_finds(_reference(None, people, photos, options.cores).lines)


# --- what is measured on


def _ingredients(folders: Sequence[Path], say: OnProgress) -> list[Ingredient]:
    paths = [path for folder in folders for path in _thinned(read_photos(folder))]
    return read_ingredients(
        paths, lambda done, total: say(Progress(done, total, "Looking for faces that are known"))
    )


def _thinned(paths: list[Path]) -> list[Path]:
    """At most `INGREDIENTS` of them, evenly."""
    step = max(1, -(-len(paths) // INGREDIENTS))
    return paths[::step]


def _compose(
    ingredients: list[Ingredient], folder: Path, options: IngestOptions, say: OnProgress
) -> dict[str, list[KnownFace]]:
    """Write the photos; gives the faces in each by its name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    composer = Composer(ingredients, seed=options.seed)
    known: dict[str, list[KnownFace]] = {}
    # As if they had been there for long: a file that was written to just now is looked at twice.
    long_ago_s = time.time() - 86400
    for number, (picture, faces) in enumerate(composer.pictures(options.count)):
        say(Progress(number, options.count, "Composing photos"))
        path = folder / f"{number:05}.jpg"
        picture.save(path, quality=composer.config.quality)
        os.utime(path, (long_ago_s, long_ago_s))
        known[path.name] = faces
    return known


def prepared_folder(folder: Path) -> Path:
    """The folder that composed photos are kept in: new, or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            tried=f"keeping the composed photos in {folder}",
            found="it is not an empty folder",
            fix="Give a new folder, or an empty one: --keep DIR.",
        )
    return folder


def _known_person(ingredients: list[Ingredient], folder: Path) -> Path:
    """The folder of people that the command wants to know: one photo, of the first face there is."""
    folder.mkdir(mode=0o700)
    shown = next((one for one in ingredients if one.faces), None)
    if shown is not None:
        shown.image.save(folder / "somebody.png")
    return folder


# --- this side


@dataclass(frozen=True, slots=True, eq=False)
class _Ours:
    elapsed_s: float
    cpu_s: float
    report: ScanReport
    finds: Finds


def _import(folder: Path, photos: Path) -> _Ours:
    """A new library from the photos, by a worker that is started for it; measured until all is grouped."""
    home = Home(folder).ensure()
    familiar = Familiar(home)
    try:
        with ProcessorSampler(lambda: running_worker_pid(home)) as computed:
            began = time.perf_counter()
            report = familiar.add([photos])
            elapsed_s = time.perf_counter() - began
    finally:
        familiar.close()
        stop_worker(home, STOP_PATIENCE_S)
    if report.failed or report.waiting:
        raise FamiliarError(
            tried=f"importing {report.seen} composed photos",
            found=f"{len(report.failed)} could not be read, {report.waiting} changed meanwhile",
            fix="Give --keep a folder that nothing else writes to, or leave it out.",
        )
    with Library.open(home.database) as library:
        finds: Finds = {photo.path.name: [] for photo in library.photos()}
        name_of = {photo.id: photo.path.name for photo in library.photos()}
        for detection in library.detections(kind="face"):
            finds[name_of[detection.photo_id]].append(detection.box)
    shutil.rmtree(folder)
    return _Ours(elapsed_s, computed.total_s, report, finds)


# --- the other side


def find_command(given: Path | None) -> Path | None:
    """The command `face_recognition`: the one that is given, or on the path. Raises `NotFoundError`."""
    if given is None:
        found = shutil.which(COMMAND)
        return None if found is None else Path(found)
    path = Path(given).expanduser().absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise NotFoundError(
            tried=f"measuring against {given}",
            found="there is no such program",
            fix=f"Give the path of the command {COMMAND}, or leave --reference-command out.",
        )
    return path


@dataclass(frozen=True, slots=True)
class _Theirs:
    elapsed_s: float
    cpu_s: float
    lines: str
    """What was printed."""


def _reference(command: Path | None, people: Path, photos: Path, cores: int) -> _Theirs:
    """How long the command takes for the photos, and what it prints; without one, our own code for the same."""
    if command is None:
        words = [
            sys.executable,
            "-P",
            "-m",
            "personalizer.benchmarks.face_recognition_tool",
            str(cores),
            str(people),
            str(photos),
        ]
    else:
        words = [str(command), "--cpus", str(cores), str(people), str(photos)]
    environment = {**child_environment(), "OMP_NUM_THREADS": "1"}
    if command is not None:
        # It has packages of its own, perhaps of another Python.
        del environment["PYTHONPATH"]
    began = time.perf_counter()
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            with ProcessorSampler(lambda: child.pid) as computed:
                printed, complaint = child.communicate()
                elapsed_s = time.perf_counter() - began
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0 or not printed.strip():
        raise FamiliarError(
            tried=f"running {words[0]}",
            found=(complaint.strip().splitlines() or [f"exit status {child.returncode}, nothing printed"])[
                -1
            ],
            fix=f"Try it: {' '.join(words[:2])} … Or give another one with --reference-command.",
        )
    return _Theirs(elapsed_s, computed.total_s, printed)


def reference_finds(lines: str) -> Finds:
    """Boxes by name of the photo, from what `personalizer.benchmarks.face_recognition_tool` printed."""
    found: Finds = {}
    for line in lines.splitlines():
        photo = json.loads(line)
        found[photo["photo"]] = [BoundingBox(*face["box"]) for face in photo["faces"]]
    return found


def faces_said(lines: str) -> Counter[str]:
    """Faces by name of the photo, from what the command `face_recognition` printed with one known person."""
    counts: Counter[str] = Counter()
    for line in lines.splitlines():
        # `PHOTO,NAME`; the name is the known person's, or one of two that stand for nobody.
        path, _, name = line.rpartition(",")
        if path:
            counts[Path(path).name] += name != "no_persons_found"
    return counts


def _about_reference(command: Path | None, lines: str, boxes: Finds) -> dict[str, Any]:
    """Which one it was, and in how many photos our own code for the boxes finds as many faces as the command."""
    if command is None:
        return {"command": None, "photos_agreed": None}
    said = faces_said(lines)
    agreed = sum(said[name] == len(found) for name, found in boxes.items())
    return {"command": str(command), "photos_agreed": agreed}


# --- the report


def _report(
    options: IngestOptions, ours: list[_Ours], baseline: list[_Theirs], faces: dict[str, Any]
) -> dict[str, Any]:
    """The command's JSON; medians of the repeats."""
    ours_rate = statistics.median(options.count / one.elapsed_s for one in ours)
    baseline_rate = statistics.median(options.count / one.elapsed_s for one in baseline)
    cpu_s = {
        "ours": statistics.median(one.cpu_s / options.count for one in ours),
        "baseline": statistics.median(one.cpu_s / options.count for one in baseline),
    }
    return {
        "ours": ours_rate,
        "baseline": baseline_rate,
        "ratio": ours_rate / baseline_rate,
        "unit": "photos per second",
        "faces": faces,
        "elapsed_s": {
            "ours": [one.elapsed_s for one in ours],
            "baseline": [one.elapsed_s for one in baseline],
        },
        "cpu_s_per_photo": cpu_s | {"ratio": cpu_s["baseline"] / cpu_s["ours"]},
        "ratios": [other.elapsed_s / one.elapsed_s for one, other in zip(ours, baseline, strict=True)],
        "reading_photos_per_s": statistics.median(one.report.photos_per_s for one in ours),
        "settings": {
            "repeats": options.repeats,
            "cores": options.cores,
            "seed": options.seed,
            "ours": "a new library: faces, things, vectors, index, groups; with the start of the worker",
            "baseline": f"faces and their vectors, --cpus {options.cores}; with the start of its processes",
        },
    }


def _megapixels() -> float:
    config = CompositeConfig()
    return config.width_px * config.height_px / 1e6


def _mean_mib(folder: Path) -> float:
    sizes = [path.stat().st_size for path in folder.iterdir()]
    return round(sum(sizes) / max(len(sizes), 1) / 2**20, 2)


@contextmanager
def _on_cores(cores: int) -> Iterator[None]:
    """Let this process, and what it starts, use no more than so many processors. Does nothing where it cannot."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(itertools.islice(sorted(before), cores)))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _say_nothing(progress: Progress) -> None:
    pass
