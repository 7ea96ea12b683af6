"""The kinds of jobs; values are stored in the jobs table of every home, so add new ones but never change any."""

from __future__ import annotations

from enum import StrEnum


class JobKind(StrEnum):
    """What a job does. A `str`, since the table may hold kinds of a newer version."""

    SCAN = "scan"
    """Folders → photos, index, clusters. Its subject is `library`, or `folders` for only those that changed."""
    ANALYZE = "analyse"
    """Photos that older models analyzed → detections of the current models."""
    READ_TEXT = "read_text"
    """Photos → what is written in them, where the extra `ocr` is installed; yields to every other job."""
    CLUSTER = "cluster"
    """New items → clusters, and suggestions for labeled concepts."""
    RECLUSTER = "recluster"
    """All unlabeled items → clusters, from scratch."""
    INDEX = "index"
    """New vectors → vector index."""
    REBUILD_INDEX = "rebuild_index"
    """All vectors → a new vector index."""
    LEARN = "learn"
    """Photos that a person chose → a concept."""
    TRAIN = "train"
    """A named concept → its prefix, because somebody asked or a new backbone needs it."""
    AUTO_TRAIN = "personalise"
    """The same while the machine is idle; yields to every other job."""
    EXPORT = "export"
    """A backbone → files that run without torch."""
    FORGET = "forget"
    """Removes a concept and everything derived from it."""
    FIND_FACES = "find_faces"
    """Photos that were analyzed while face detection was off → their faces."""
    ERASE_FACES = "erase_faces"
    """Removes all faces and everything derived from them."""
