"""The result types of the `Familiar` façade, whose fields are the keys of the CLI's JSON. Computes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from personalizer.schemas import BoundingBox, ConceptKind, ConceptSummary, ErrorClass, Job, ScanReport

__all__ = [
    "Added",
    "BackupState",
    "Check",
    "ConceptSummary",
    "Description",
    "Facts",
    "Forgotten",
    "FoundPhoto",
    "FoundPhotos",
    "Imagined",
    "Job",
    "LabelFact",
    "Learning",
    "Profile",
    "Recognized",
    "ScanReport",
    "SidecarFile",
    "Status",
    "Suggestion",
    "Trained",
    "UnnamedGroup",
    "WorkerStatus",
]


@dataclass(frozen=True, slots=True)
class Recognized:
    """A candidate concept for a photo, with the verdict on it."""

    name: str
    probability: float
    """Calibrated, 0 to 1."""
    verdict: str
    """`yes`, `no` or `unsure`."""
    evidence: list[str]
    """One sentence each, with the number it rests on."""
    box: BoundingBox | None
    """Where in the photo; None where no detection supports the verdict."""


@dataclass(frozen=True, slots=True)
class SidecarFile:
    """A companion file of a photo, such as the video of a Live Photo or a sidecar."""

    path: Path
    kind: str
    """Such as `Live Photo`."""


@dataclass(frozen=True, slots=True)
class LabelFact:
    """A plain word for what a photo shows."""

    word: str
    probability: float
    """Calibrated, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A photo's metadata, from the file and the library; None where neither has the value."""

    taken_at: datetime | None
    latitude: float | None
    longitude: float | None
    camera: str | None
    width_px: int
    height_px: int
    in_library: bool
    companions: list[SidecarFile] = field(default_factory=list)
    """Files that belong to it: the video of a Live Photo, and what other programs wrote beside it."""
    title: str | None = None
    """From a sidecar file, as are the description and the keywords."""
    description: str | None = None
    keywords: list[str] = field(default_factory=list)
    date_source: str | None = None
    """Where the date is from, such as `EXIF`."""
    place: str | None = None
    """Such as `near Lisbon, Portugal`."""
    album: str | None = None
    """The folder that it lies in, below a registered one."""
    faces: int | None = None
    """None where looking for faces is off."""
    people: list[str] = field(default_factory=list)
    """Names of recognized faces, from left to right."""
    labels: list[LabelFact] = field(default_factory=list)
    """Words that are said of it, the likeliest first."""
    colors: list[str] = field(default_factory=list)
    """Main colors of the whole photo."""
    text: list[str] | None = None
    """Lines that were read; None where no question asked for them."""


@dataclass(frozen=True, slots=True)
class Description:
    """The answer about one photo."""

    photo: Path
    question: str | None
    answer: str
    concepts: list[Recognized]
    facts: Facts
    backbone: str | None
    elapsed_s: float
    told: list[str] = field(default_factory=list)
    """Facts from concept profiles, in the user's own words, that the answer quotes."""


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A photo that fits a search."""

    path: Path
    score: float
    """How sure it is that it fits, 0 to 1."""
    why: list[str]
    """A reason for each part of the search, such as `looks like a beach (93 %)`."""
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundPhotos:
    """The answer to a search."""

    text: str
    """What was searched for, as typed."""
    answer: str
    """In a sentence or two."""
    photos: list[FoundPhoto]
    """The surest first, of equal ones the newest; at most as many as were asked for."""
    count: int
    """How many fit."""
    understood: dict[str, Any]
    """What the words were taken for: `asks`, `names`, `without`, `times`, `words`."""
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Profile:
    """The facts that the user wrote about a concept, verbatim."""

    concept: str
    facts: list[str]
    """In the order of telling; `profile NAME --remove` and `--change` count them from 1."""
    added: str | None = None
    """The fact that this request added; None when it was there already."""
    removed: str | None = None
    """The fact that this request removed."""


@dataclass(frozen=True, slots=True)
class PictureSource:
    """A photo of the user's that a montage shows a part of."""

    picture: Path
    """The montage."""
    photo: Path
    concept: str | None
    """Who or what was cut out of it; None for the photo behind it all."""
    framed: bool = False
    """It stands there whole, in a frame, since nothing could be cut out."""


@dataclass(frozen=True, slots=True)
class Imagined:
    """Generated pictures and how they were generated."""

    paths: list[Path]
    concepts: list[str]
    """Named concepts that are in the pictures: cut out of a photo, or drawn from their prefix."""
    seed: int
    """The first picture's seed; the next ones count up from it."""
    backbone: str
    tokens_per_s: float
    elapsed_s: float
    notes: list[str] = field(default_factory=list)
    """What the user should know, such as a named concept that has no prefix yet."""
    text: str = ""
    """What was asked for."""
    prompt: str = ""
    """What was painted, in the user's words with what is known of the concepts."""
    painter: str = "backbone"
    """`montage` or `backbone`."""
    sources: list[PictureSource] = field(default_factory=list)
    scene: str = ""
    """What the things of a montage were set into."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training a prefix cost and reached."""

    concept: str
    steps: int
    elapsed_s: float
    trained_values: int
    """Number of trained parameters."""
    bytes: int
    """Size of the prefix on the disk."""
    peak_rss_mib: float
    recognition_augmented: float | None
    """Accuracy on augmented views of the concept's photos, 0 to 1; None where it was not measured."""
    backbone: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learning:
    """A concept that is recognized by its photos from now on, while the training of its prefix is queued."""

    concept: str
    photos: int
    training_job: int
    skipped: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class BackupState:
    """A backup of the library, as far as Familiar knows what became of its file."""

    path: Path
    made_at: str
    bytes: int
    state: str
    """`there`, `deleted`, or why it is neither."""
    holds_forgotten: bool
    """Whether what was forgotten is in it."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting a concept, or all faces, removed.

    After a killed worker, only what its successor removed is counted.
    """

    removed: dict[str, int]
    """`concepts, detections, vectors, memberships, prefix_files, checkpoints, exports, drawings, people_pages, records,
    log_lines, operations, jobs, facts, chat_exchanges`; only what there was."""
    kept: dict[str, int]
    """`shared_photos` that belong to another concept as well; `paths_with_its_name`, which are the user's own."""
    elapsed_s: float
    backups: list[BackupState] = field(default_factory=list)
    """Backups that hold what was forgotten, or did."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """The state of the worker process, which runs the queued jobs."""

    running: bool
    pid: int | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The library's contents, the job queue and the state of the worker."""

    home: Path
    jobs: dict[str, int]
    """Number of jobs by state; `quarantined` are the failed ones that are not retried any more."""
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
    """Number of queued and running jobs, by kind."""
    quarantined: int = 0
    """Files that are not read again until they change: all attempts failed."""
    outdated: int = 0
    """Photos that only older models analyzed: the newer ones failed on them."""
    watching: bool = False
    """Whether `familiar watch` runs, as a service or not."""
    training: dict[str, Any] = field(default_factory=dict)
    """Of automatic training: `on`, `state`, `reason` and the number of concepts that are `due` or `given_up`."""
    faces_on: bool = True
    """Whether face detection is on."""
    frozen: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]` of folders whose missing photos are not treated as deleted."""
    excluded: list[str] = field(default_factory=list)
    """Patterns of paths that scans skip."""
    waiting: int = 0
    """Files that were still being written at the last scan."""
    unlisted: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]` of folders that could not be listed at the last scan."""
    polled: list[dict[str, Any]] = field(default_factory=list)
    """`[{path, reason, every_s}]` of folders that are scanned periodically instead of watched."""
    shots: int = 0
    """Shots of several photos: copies, bursts, RAW files beside their JPEG."""
    duplicates: int = 0
    """Photos that are represented by another photo of their shot."""
    unread_kinds: dict[str, int] = field(default_factory=dict)
    """By suffix: pictures of kinds that cannot be read, at the last scan."""
    links: int = 0
    """Symbolic links that the last scan did not follow."""
    notices: list[str] = field(default_factory=list)
    """What an update of Familiar changed in this home, until it was read."""


@dataclass(frozen=True, slots=True)
class UnreadPhoto:
    """A file that could not be read or analyzed; listed among the jobs, since it can be retried like one."""

    id: str
    """The argument of `jobs retry`."""
    subject: str
    state: str
    attempts: int
    error: str
    error_class: ErrorClass
    quarantined: bool
    """Not retried until it changes or `jobs retry` names it; the next scan retries the others."""
    kind: str = "photo"
    """`photo`, or `analysis` where newer models failed on a photo of the library."""
    done: int = 0
    total: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A photo that may show a named concept, and waits for the user's answer."""

    concept: str
    photo: Path
    probability: float | None
    """Calibrated, 0 to 1; None where it cannot be compared any more."""
    why: str
    reference: str
    """What `confirm` and `reject` take for the photo: its file name where that is unique, else its number."""
    box: BoundingBox | None
    """The face that is meant; None where the whole photo is."""


@dataclass(frozen=True, slots=True)
class UnnamedGroup:
    """A person, pet or thing without a name, with a picture of it."""

    id: int
    kind: ConceptKind
    photos: int
    photo: Path | None
    box: BoundingBox | None
    """The face in the photo; None where the whole photo is meant."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something that a person can do next."""

    why: str
    """What it is good for."""
    command: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `familiar doctor`."""

    name: str
    ok: bool
    detail: str
    """What the check observed."""
    fix: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Added:
    """Folders that were registered, and the report of their first scan."""

    roots: list[Path]
    report: ScanReport
