"""The clusters table: are the photos of each one together, with nothing else among them?

Scans folders into a library of its own by the code that serves, then groups copies of that library as an import would:
at once, and photo by photo in shuffled orders. Whatever is in no group, or was not found at all, is alone.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.evaluation.data.metrics import PrecisionRecall, bcubed, pairwise
from assistant.evaluation.data.options import (
    ClustersOptions,
    EvaluationRun,
)
from assistant.evaluation.data.protocol import Subject, read_photos, read_subjects
from assistant.evaluation.recognition.synthetic import evaluate_siblings, evaluate_synthetic
from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version
from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.state import GroupingState
from personalizer.clustering.update import cluster
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.schemas import ConceptKind, OnProgress, Progress

NEGATIVE = "negative: "
"""What the identity of a photo of anything else begins with: each one is an identity of its own."""
SHOWN = 3
"""Photos of each one that are named before the others arrive."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo file, whose identity it is, and its photo in the scanned library (None: it could not be read)."""

    path: Path
    identity: str
    photo_id: int | None

    @property
    def is_negative(self) -> bool:
        return self.identity.startswith(NEGATIVE)


def evaluate_clusters(options: ClustersOptions, run: EvaluationRun) -> dict[str, Any]:
    """The table as JSON values. Nothing of a backbone takes part.

    With both faces and objects, each has a table of its own and the outermost numbers are over the photos of both.
    `orders` shuffled orders are grouped in several parts each; `synthetic` people who do not exist are grouped too.
    Raises `UsageError` or `NotFoundError` for folders that cannot be measured on.
    """
    options.check()
    home, seed, on_progress = run.home, options.seed, run.on_progress
    tables = _tables(options, run)
    report: dict[str, Any] = {}
    if len(tables) == 1:
        report = next(iter(tables.values())).report
    elif tables:
        report = _pooled(list(tables.values())) | {name: one.report for name, one in tables.items()}
    if options.synthetic:
        report["synthetic"] = evaluate_synthetic(
            options.synthetic, home=home, seed=seed, on_progress=on_progress
        )
        report["siblings"] = evaluate_siblings(home=home, seed=seed, on_progress=on_progress)
    settings = ClusterSettings()
    report["settings"] = {
        "orders": options.orders,
        "seed": seed,
        "face_threshold": settings.face.threshold,
        "thing_threshold": settings.thing.threshold,
        "min_face_quality": settings.face.min_quality,
        "folders": {
            name: str(folder)
            for name, folder in (
                ("faces", options.faces),
                ("objects", options.objects),
                ("negatives", options.negatives),
            )
            if folder is not None
        },
    }
    return report


def _tables(options: ClustersOptions, run: EvaluationRun) -> dict[str, _Table]:
    """By kind, what was asked for."""
    tables: dict[str, _Table] = {}
    if options.faces is None and options.objects is None:
        return tables
    home, orders, seed, say = run.home, options.orders, options.seed, run.on_progress
    home.ensure()
    looked_at_by = analysis_version(PhotoAnalyzer())
    version = hashlib.sha256(looked_at_by.encode()).hexdigest()[:16]
    with Library.open(home.root / f"clusters-{version}.sqlite3") as library:
        if options.faces is not None:
            photos = _read(library, home, read_subjects(options.faces, 1), [], say)
            tables["faces"] = _measure(library, home, "face", photos, orders, seed, say)
        if options.objects is not None:
            negatives = [] if options.negatives is None else read_photos(options.negatives)
            photos = _read(library, home, read_subjects(options.objects, 1), negatives, say)
            tables["objects"] = _measure(library, home, "object", photos, orders, seed, say)
    return tables


@dataclass(frozen=True, slots=True)
class _Table:
    report: dict[str, Any]
    clusters: list[Hashable]
    identities: list[str]
    """Of all photos, those of anything else included."""


def _read(
    library: Library,
    home: Home,
    subjects: tuple[list[Subject], list[str]],
    negatives: Sequence[Path],
    on_progress: OnProgress | None,
) -> list[Shown]:
    """Scan the folders that these photos are in. Copies of one picture in several places are each a photo here."""
    named = [(path, subject.name) for subject in subjects[0] for path in subject.photos]
    named += [(path, f"{NEGATIVE}{path}") for path in negatives]
    folders = sorted({path.parent.resolve() for path, _ in named})
    scan(library, folders, ScanControl() if on_progress is None else ScanControl(on_progress))
    found = []
    for path, identity in named:
        photo = library.photo_by_path(path)
        found.append(Shown(path, identity, None if photo is None else photo.id))
    return found


def _measure(
    library: Library,
    home: Home,
    kind: ConceptKind,
    photos: list[Shown],
    orders: int,
    seed: int,
    on_progress: OnProgress | None,
) -> _Table:
    say = on_progress or _say_nothing
    say(Progress(0, orders + 2, "Grouping"))
    with _Copy(library, home) as copy:
        copy.take([photo.photo_id for photo in photos])
        cluster(copy.library)
        labels = copy.labels(kind, photos)
        unassigned, undetected = copy.left_over(kind, photos)
    identities = [photo.identity for photo in photos]
    subject = [number for number, photo in enumerate(photos) if not photo.is_negative]
    together = _among(labels, identities, subject)
    grouped = Counter(label for label in labels if not _is_alone(label))
    report: dict[str, Any] = {
        "bcubed": _numbers(together),
        "pairwise": _numbers(pairwise(labels, identities)),
        "clusters": len(grouped),
        "identities": len({photo.identity for photo in photos if not photo.is_negative}),
        "unassigned": unassigned,
        "undetected": undetected,
        "negatives_clustered": sum(
            photo.is_negative and not _is_alone(label) for photo, label in zip(photos, labels, strict=True)
        ),
        "photos": len(photos),
        "negatives": len(photos) - len(subject),
        "with_negatives": _numbers(bcubed(labels, identities)),
        "unreadable": sum(photo.photo_id is None for photo in photos),
    }
    runs = []
    for number in range(orders):
        say(Progress(number + 1, orders + 2, "Grouping as photos come in"))
        random = np.random.default_rng([seed, number])
        parts = (2, 5, 10, 25, len(photos))[number % 5]
        with _Copy(library, home) as copy:
            state = GroupingState()
            for part in np.array_split(random.permutation(len(photos)), min(parts, len(photos))):
                copy.take([photos[index].photo_id for index in part.tolist()])
                cluster(copy.library, state=state)
            found = _among(copy.labels(kind, photos), identities, subject)
        runs.append({"parts": min(parts, len(photos)), **_numbers(found)})
    if runs:
        report["incremental"] = {
            "orders": runs,
            "f": float(np.mean([run["f"] for run in runs])),
            "worst_difference": max(together.f - run["f"] for run in runs),
        }
    say(Progress(orders + 1, orders + 2, "Naming"))
    report["named"] = _named(library, home, kind, photos, seed)
    return _Table(report, list(labels), identities)


def _named(library: Library, home: Home, kind: ConceptKind, photos: list[Shown], seed: int) -> dict[str, Any]:
    """Name some photos of each one, let the others come in, and see what joins without asking."""
    random = np.random.default_rng([seed, 99])
    by_identity: dict[str, list[Shown]] = {}
    for number in random.permutation(len(photos)).tolist():
        if not photos[number].is_negative:
            by_identity.setdefault(photos[number].identity, []).append(photos[number])
    right = wrong = asked = asked_wrong = later = 0
    with _Copy(library, home) as copy:
        concepts: dict[int, str] = {}
        shown: set[Path] = set()
        for identity, own in by_identity.items():
            copy.take([photo.photo_id for photo in own[:SHOWN]])
            members = [item for photo in own[:SHOWN] for item in copy.items(kind, photo)[:1]]
            if members:
                concept = copy.library.create_concept(kind, name=identity)
                copy.library.add_members(concept.id, members, source="user", status="confirmed")
                concepts[concept.id] = identity
            shown |= {photo.path for photo in own[:SHOWN]}
        rest = [photo for photo in photos if photo.path not in shown]
        rest = [rest[number] for number in random.permutation(len(rest)).tolist()]
        state = GroupingState()
        for start in range(0, len(rest), 10):
            copy.take([photo.photo_id for photo in rest[start : start + 10]])
            cluster(copy.library, state=state)
        status = {
            (member.detection_id, member.concept_id): member.status for member in copy.library.memberships()
        }
        for photo in rest:
            later += not photo.is_negative
            for item in copy.items(kind, photo)[:1]:
                for concept_id, identity in concepts.items():
                    said = status.get((item, concept_id))
                    right += said == "confirmed" and identity == photo.identity
                    wrong += said == "confirmed" and identity != photo.identity
                    asked += said == "suggested" and identity == photo.identity
                    asked_wrong += said == "suggested" and identity != photo.identity
    return {
        "shown": SHOWN,
        "later": later,
        "attached": right,
        "attached_wrong": wrong,
        "suggested": asked,
        "suggested_wrong": asked_wrong,
    }


class _Copy:
    """A library of its own, for one way of grouping, that photos are copied into as they come in."""

    def __init__(self, source: Library, home: Home) -> None:
        self._source = source
        self._folder = tempfile.TemporaryDirectory(prefix="clusters-", dir=home.root)
        self.library = Library.open(Path(self._folder.name) / "library.sqlite3")
        self._photo_of: dict[int, int] = {}

    def __enter__(self) -> _Copy:
        return self

    def __exit__(self, *_: object) -> None:
        self.library.close()
        self._folder.cleanup()

    def take(self, photo_ids: Sequence[int | None]) -> None:
        """Copy photos, with what was found in them, unless they are there already."""
        with self.library.transaction():
            for photo_id in dict.fromkeys(photo_ids):
                if photo_id is None or photo_id in self._photo_of:
                    continue
                photo = self._source.photo(photo_id)
                copied = self.library.record_photo(
                    NewPhoto(
                        content_hash=photo.content_hash,
                        path=photo.path,
                        size=1,
                        mtime_ns=1,
                        width_px=photo.width_px,
                        height_px=photo.height_px,
                        taken_at=photo.taken_at,
                        latitude=photo.latitude,
                        longitude=photo.longitude,
                        camera=photo.camera,
                        detections=self._source.found_in(photo_id),
                    )
                )
                self._photo_of[photo_id] = copied.id

    def items(self, kind: ConceptKind, photo: Shown) -> list[int]:
        """Detections that may be what the photo is about: the whole picture, or its faces from the largest on."""
        if photo.photo_id is None or photo.photo_id not in self._photo_of:
            return []
        found = self.library.detections(
            self._photo_of[photo.photo_id], kind="face" if kind == "face" else "photo"
        )
        return [d.id for d in sorted(found, key=lambda d: -d.box.width_px * d.box.height_px)]

    def labels(self, kind: ConceptKind, photos: Sequence[Shown]) -> list[Hashable]:
        """The group of each photo, or a label of its own where it is in none."""
        groups = {concept.id for concept in self.library.concepts() if concept.kind == kind}
        group_of = {
            member.detection_id: member.concept_id
            for member in self.library.memberships()
            if member.status == "confirmed" and member.concept_id in groups
        }
        labels: list[Hashable] = []
        for number, photo in enumerate(photos):
            items = self.items(kind, photo)
            labels.append(group_of.get(items[0], f"alone {number}") if items else f"alone {number}")
        return labels

    def left_over(self, kind: ConceptKind, photos: Sequence[Shown]) -> tuple[int, int]:
        """Photos of somebody or something whose item is in no group, and those where none was found."""
        labels = self.labels(kind, photos)
        unassigned = undetected = 0
        for photo, label in zip(photos, labels, strict=True):
            if photo.is_negative or not _is_alone(label):
                continue
            if self.items(kind, photo):
                unassigned += 1
            else:
                undetected += 1
        return unassigned, undetected


def _is_alone(label: Hashable) -> bool:
    return isinstance(label, str)


def _among(labels: Sequence[Hashable], identities: Sequence[str], subject: Sequence[int]) -> PrecisionRecall:
    """BCubed over the photos of somebody or something alone; whatever else is in their groups counts as wrong.

    Averaging over hundreds of photos of anything else, which are right as long as they are alone, would hide it.
    """
    sizes = Counter(labels)
    shared = Counter(zip(labels, identities, strict=True))
    totals = Counter(identities)
    cells = [(labels[number], identities[number]) for number in subject]
    precision = float(np.mean([shared[cell] / sizes[cell[0]] for cell in cells]))
    recall = float(np.mean([shared[cell] / totals[cell[1]] for cell in cells]))
    return PrecisionRecall(
        precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    )


def _numbers(scores: PrecisionRecall) -> dict[str, float]:
    return {"precision": scores.precision, "recall": scores.recall, "f": scores.f}


def _pooled(tables: list[_Table]) -> dict[str, Any]:
    """Over the photos of all tables, whose groups have nothing to do with each other."""
    labels: list[Hashable] = []
    identities: list[str] = []
    for number, table in enumerate(tables):
        labels += [f"{number} {label}" if _is_alone(label) else (number, label) for label in table.clusters]
        identities += [
            identity if identity.startswith(NEGATIVE) else f"{number} {identity}"
            for identity in table.identities
        ]
    subject = [number for number, identity in enumerate(identities) if not identity.startswith(NEGATIVE)]
    summed = ("clusters", "identities", "unassigned", "undetected", "negatives_clustered", "photos")
    return {
        "bcubed": _numbers(_among(labels, identities, subject)),
        "pairwise": _numbers(pairwise(labels, identities)),
        **{key: sum(table.report[key] for table in tables) for key in (*summed, "negatives", "unreadable")},
    }


def _say_nothing(progress: Progress) -> None:
    pass
