"""What the worker does for each kind of job. Knows no queue loop; only train and export import torch."""

from __future__ import annotations

from personalizer.jobs import Handler, JobQueue
from personalizer.library import Library
from personalizer.locations import Home


def make_handlers(home: Home, library: Library, queue: JobQueue) -> dict[str, Handler]:
    """The handlers by kind of job."""
    return {}
