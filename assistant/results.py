"""What the façade returns. The fields are the keys of the command line's JSON; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from personalizer.schemas import BoundingBox, ConceptSummary, ErrorClass, Job, ScanReport

__all__ = [
    "Added",
    "BackupState",
    "Beside",
    "Check",
    "ConceptSummary",
    "Description",
    "Facts",
    "Forgotten",
    "Imagined",
    "Job",
    "Learning",
    "Profile",
    "Recognised",
    "ScanReport",
    "Status",
    "Trained",
    "WorkerStatus",
]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A concept that may be in the photo."""

    name: str
    probability: float
    verdict: str
    """`yes`, `no` or `unsure`."""
    evidence: list[str]
    """One sentence each, with the number it rests on."""
    box: BoundingBox | None


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that belongs to a photo."""

    path: Path
    kind: str
    """Such as `Live Photo`."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file and the library know; None where they do not."""

    taken_at: datetime | None
    latitude: float | None
    longitude: float | None
    camera: str | None
    width_px: int
    height_px: int
    in_library: bool
    companions: list[Beside] = field(default_factory=list)
    """Files that belong to it: the video of a Live Photo, and what other programs wrote beside it."""
    title: str | None = None
    """As written in a file beside it, as are the description and the keywords."""
    description: str | None = None
    keywords: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Description:
    """The answer about one photo."""

    photo: Path
    question: str | None
    answer: str
    concepts: list[Recognised]
    facts: Facts
    backbone: str | None
    elapsed_s: float
    told: list[str] = field(default_factory=list)
    """The user's own words that the answer quotes."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the user told about a concept, in the user's own words."""

    concept: str
    facts: list[str]
    """In the order of telling; `profile NAME --remove N` counts them from 1."""
    added: str | None = None
    """What this request added; None when it was known."""
    removed: str | None = None
    """What this request took back."""


@dataclass(frozen=True, slots=True)
class Imagined:
    """Pictures that were drawn."""

    paths: list[Path]
    concepts: list[str]
    """Named concepts whose prefix was used."""
    seed: int
    """Of the first picture; the next ones count up from it."""
    backbone: str
    tokens_per_s: float
    elapsed_s: float
    notes: list[str] = field(default_factory=list)
    """What the user should know, such as a named concept that has no prefix yet."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training took; `recognition_augmented` is measured on augmented views of its photos."""

    concept: str
    steps: int
    elapsed_s: float
    trained_values: int
    bytes: int
    peak_rss_mib: float
    recognition_augmented: float | None
    backbone: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learning:
    """A concept that is known by its photos at once, while its prefix is still to be trained."""

    concept: str
    photos: int
    training_job: int
    skipped: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class BackupState:
    """A backup that was made of the library."""

    path: Path
    made_at: str
    bytes: int
    state: str
    """`there`, `deleted`, or why it is neither."""
    holds_forgotten: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting a concept removed. Counted from where a worker that died left off."""

    removed: dict[str, int]
    """`concepts, detections, vectors, memberships, prefix_files, checkpoints, exports, drawings, people_pages, records,
    log_lines, operations, jobs, facts`; only what there was."""
    kept: dict[str, int]
    """`shared_photos` that belong to another concept as well; `paths_with_its_name`, which are the user's own."""
    elapsed_s: float
    backups: list[BackupState] = field(default_factory=list)
    """Those that hold it, or did."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """The process that does the long work."""

    running: bool
    pid: int | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Status:
    """What is there and what is going on."""

    home: Path
    jobs: dict[str, int]
    """Number of jobs by state; `quarantined` are those of the failed that were given up after their strikes."""
    running: list[Job]
    photos: int
    detections: int
    faces: int
    failures: int
    concepts: int
    named: int
    ready: int
    """Concepts whose prefix is trained."""
    backbone: str
    worker: WorkerStatus
    queue: dict[str, int] = field(default_factory=dict)
    """Number of jobs that wait or run, by kind."""
    quarantined: int = 0
    """Files that are left alone until they change: reading them failed for good."""
    outdated: int = 0
    """Photos of which only older models know something: the newer ones failed with them."""
    watching: bool = False
    """Whether `familiar watch` runs, as a service or not."""
    training: dict[str, Any] = field(default_factory=dict)
    """Of automatic training: `on`, `state`, `reason` and the number of concepts that are `due` or `given_up`."""
    faces_on: bool = True
    """Whether faces are looked for."""
    frozen: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]` of folders of which photos are gone without being taken for deleted."""
    excluded: list[str] = field(default_factory=list)
    """Patterns of what is left out."""
    waiting: int = 0
    """Files that were being written when the folders were last looked at."""
    unlisted: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]` of folders that could not be looked into then."""
    polled: list[dict[str, Any]] = field(default_factory=list)
    """`[{path, reason, every_s}]` of folders in which changes are noticed by scanning them that often."""
    shots: int = 0
    """Groups of photos that are one shot: copies, bursts, RAW files beside their JPEG."""
    duplicates: int = 0
    """Photos that another one of their shot stands for."""


@dataclass(frozen=True, slots=True)
class UnreadPhoto:
    """A file that could not be read, or looked at again, listed among the jobs as the work that it is."""

    id: str
    """What `jobs retry` takes."""
    subject: str
    state: str
    attempts: int
    error: str
    error_class: ErrorClass
    quarantined: bool
    """Left alone until it changes or is asked for; the next scan tries the others."""
    kind: str = "photo"
    """`analysis` where newer models failed with a photo that is known."""
    done: int = 0
    total: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `familiar doctor`."""

    name: str
    ok: bool
    detail: str
    """What was found."""
    fix: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Added:
    """Folders that were registered and what the scan found in them."""

    roots: list[Path]
    report: ScanReport
