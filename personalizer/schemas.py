"""Plain records that the rooms exchange. Knows no storage, no model and no screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

DetectionKind = Literal["photo", "object", "face"]
"""`photo` is the whole picture, `object` a proposed region of it."""
ConceptKind = Literal["object", "face"]
ConceptState = Literal["suggested", "named", "training", "ready", "stale", "hidden"]
"""`suggested`: a cluster nobody named. `named`: works by retrieval. `ready`: has a trained prefix.
`stale`: its prefix belongs to another backbone version or another membership."""
MembershipStatus = Literal["confirmed", "suggested", "rejected"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
ErrorClass = Literal["transient", "input", "environment", "bug"]
"""Why a job failed: a transient error, an error of the input or of the environment, or a bug."""

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle in pixels of the upright (EXIF-oriented) photo; `right` and `bottom` are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width_px(self) -> float:
        return self.right - self.left

    @property
    def height_px(self) -> float:
        return self.bottom - self.top

    @property
    def area_px(self) -> float:
        return self.width_px * self.height_px

    def shared_px(self, other: BoundingBox) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: BoundingBox) -> float:
        """Intersection over union: the area that both cover, of the area that either covers."""
        shared = self.shared_px(other)
        union = self.area_px + other.area_px - shared
        return shared / union if union > 0 else 0.0

    def clipped(self, size_px: tuple[int, int]) -> BoundingBox:
        """What of it lies within a picture of `size_px` (width, height)."""
        width, height = float(size_px[0]), float(size_px[1])
        return BoundingBox(
            min(max(self.left, 0.0), width),
            min(max(self.top, 0.0), height),
            min(max(self.right, 0.0), width),
            min(max(self.bottom, 0.0), height),
        )


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture, identified by its content; `path` is one place where it was last seen."""

    id: int
    content_hash: str
    path: Path
    width_px: int
    height_px: int
    taken_at: datetime | None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class NewDetection:
    """Something found in a photo that has not been stored yet."""

    kind: DetectionKind
    box: BoundingBox
    score: float
    detector: str
    flaw: str | None = None
    """Why a face says too little about whose it is."""
    colors: bytes | None = None
    """Of a thing inside a clear mask, as `thing_colors` makes them."""


@dataclass(frozen=True, slots=True)
class PhotoLabel:
    """A plain word for what a photo shows."""

    word: str
    confidence: float
    """Calibrated, 0 to 1."""
    kind: str
    """`animal`, `plant`, `food`, `thing`, `clothing` or `scene`."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Something found in a stored photo."""

    id: int
    photo_id: int
    kind: DetectionKind
    box: BoundingBox
    score: float
    flaw: str | None = None
    """Why a face says too little about whose it is: it founds and links no group."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A vector `[dim]` (unit length for objects) and the model that made it; never compared across models."""

    vector: Float32Array
    model: str
    version: str
    cutout: Float32Array | None = None
    """The vector `[dim]` of the same thing on another background, made with its mask; used to recognize things."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One person, pet or thing."""

    id: int
    name: str | None
    kind: ConceptKind
    state: ConceptState
    backbone: str | None = None
    """The backbone version that the prefix in `prefix_dir` was trained for."""
    prefix_dir: Path | None = None
    feature_id: int | None = None
    """The detection that stands for it, where a person chose one."""

    @property
    def is_spoken_of(self) -> bool:
        """Whether it has a name and is not hidden: it is recognized, asked about and answered about."""
        return self.name is not None and self.state != "hidden"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the user told about a concept, in the user's own words."""

    id: int
    concept_id: int
    text: str


@dataclass(frozen=True, slots=True)
class ConceptSummary:
    """What `familiar concepts` lists."""

    id: int
    name: str | None
    kind: ConceptKind
    members: int
    """Confirmed members."""
    suggested: int
    """Members that look right but wait for a person to say so."""
    state: ConceptState
    example: Path | None = None
    """A photo that represents the concept: the chosen one, or else the one that shows it best."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a concept may be in a photo."""

    concept_id: int
    name: str
    kind: ConceptKind
    similarity: float
    """A learned score or a cosine for objects; 1 - distance for faces."""
    threshold: float
    """The similarity at which the probability is 0.5."""
    log_odds: float
    """What the similarity says, and the colors where they are known."""
    box: BoundingBox | None
    color_likeness: float | None = None
    """How alike the colors of the thing and its members are, 0 to 1, where masks show them."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a long operation; `total` is 0 if it is unknown."""

    done: int
    total: int
    message: str


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ScanReport:
    """The result of a scan; counts are files."""

    seen: int
    new: int
    changed: int
    moved: int
    missing: int
    failed: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]`."""
    waiting: int = 0
    """Files that changed while they were looked at: the next scan takes them."""
    frozen: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]` of folders of which photos are gone without being taken for deleted."""
    excluded: int = 0
    """Files that the library had and that are left out now because a person wants it."""
    unlisted: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]` of folders that could not be looked into; nothing is concluded about their photos."""
    elapsed_s: float = 0.0
    photos_per_s: float = 0.0
    unread_kinds: dict[str, int] = field(default_factory=dict)
    """By suffix: pictures of kinds that cannot be read."""
    links: int = 0
    """Symbolic links, which are not followed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A unit of durable work."""

    id: int
    kind: str
    subject: str
    payload: dict[str, Any]
    state: JobState
    attempts: int
    done: int
    total: int
    message: str
    result: dict[str, Any] | None
    error: str | None
    """Why it failed, or why a queued job waits for a retry."""
    input_hash: str = ""
    """A hash of the job's input; empty for jobs that read their input when they run."""
    model_version: str = ""
    error_class: ErrorClass | None = None
    quarantined: bool = False
    """Dead-lettered: it failed too often and waits until the user retries it."""
    failed_attempts: int = 0
    """Attempts since the job last stored results; the column is called `strikes`."""
    created_at: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    retry_at: str | None = None
    """When a queued job is retried after a transient failure."""
    rate_per_s: float | None = None
    """Recent steps per second of a running job."""
    left_s: float | None = None
    """Estimated seconds for the remaining steps of the current part of the work."""
    lease: str | None = None
    """Identifies this attempt among those of the same job."""


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file in one of the folders, as it was when it was looked at."""

    text: str
    """Its path, which is a `Path` only where somebody wants one: of most files nobody does."""
    size: int
    mtime_ns: int
    device: int = 0
    inode: int = 0
    place: str = ""
    """The registered folder, or the mounted file system below one, that it is in."""
    ctime_ns: int | None = None
    """When anything of it changed last, its name and permissions included; None where that says nothing."""

    @property
    def path(self) -> Path:
        return Path(self.text)
