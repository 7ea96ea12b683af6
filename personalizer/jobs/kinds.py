"""The kinds of jobs, as they stand in the jobs table of every home: a name may be added, never changed."""

from __future__ import annotations

from enum import StrEnum


class JobKind(StrEnum):
    """What a job is for. A `str`, since the table may hold kinds of a newer version."""

    SCAN = "scan"
    """Folders → photos, index, groups. Its subject is `library`, or `folders` for those that something came into."""
    ANALYZE = "analyse"
    """Photos that older models looked at → what the present ones find."""
    CLUSTER = "cluster"
    RECLUSTER = "recluster"
    INDEX = "index"
    REBUILD_INDEX = "rebuild_index"
    LEARN = "learn"
    """Photos that a person chose → a concept."""
    TRAIN = "train"
    """A named concept → its prefix, because somebody asked or a new backbone needs it."""
    AUTO_TRAIN = "personalise"
    """The same because the machine is idle; makes way for everything else."""
    EXPORT = "export"
    """A backbone → what runs without torch."""
    FORGET = "forget"
    FIND_FACES = "find_faces"
    """Photos that were looked at while faces were off → their faces."""
    ERASE_FACES = "erase_faces"
