"""Memory and CPU limits of Familiar's processes; ends child processes with their parent."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def limit_memory(mib: int) -> None:
    """Limit this process's private memory; allocations beyond it raise `MemoryError`.

    Only on Linux. Mapped code and model files do not count.
    """
    _lower(resource.RLIMIT_DATA, mib * 2**20)
    # Core dumps hold photos.
    _lower(resource.RLIMIT_CORE, 0)


def memory_is_limited() -> bool:
    """Whether `limit_memory` was called: then a `MemoryError` is caused by the input, not by the machine."""
    return resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY


def limit_processor_time(seconds: float) -> None:
    """End this process (SIGXCPU) after so much more CPU time; call it at the beginning of each task."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = math.ceil(time.process_time() + seconds)
    resource.setrlimit(
        resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )


def end_with_parent(parent_pid: int) -> None:
    """End this process when its parent ends, even if the parent is killed.

    The parent holds the other end of standard input and never writes; a thread waits until it is closed. On Linux the
    kernel also ends the process, which helps while a codec holds the GIL.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it was gone before
        os._exit(1)
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    # Past sys.stdin, whose lock this thread would still hold when the process ends.
    os.read(0, 1)
    os._exit(1)


def _lower(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (wanted, wanted))


def computed_s() -> float | None:
    """CPU seconds used by this process and its children; None if the system does not report them."""
    import psutil

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    total_s = time.process_time() + children.ru_utime + children.ru_stime
    try:
        living = psutil.Process().children(recursive=True)
    except (psutil.Error, OSError):
        return None
    for process in living:
        with suppress(psutil.Error):  # it has ended meanwhile
            times = process.cpu_times()
            total_s += times.user + times.system
    return total_s
