"""Replaces the analysis child that a worker of the previous version starts; kept for one version. Reads no photo.

That worker keeps running while an update replaces its packages, and pickles classes by their former names. The reply
"the analysis does not work" makes it count no photo as failed; the worker that replaces it reads the photos. Under
systemd this happens at once, because systemd restarts a killed service.
"""

import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """A photo to analyze; its bytes follow as a message of their own."""

    path: Path


@dataclass(frozen=True, slots=True)
class Broken:
    """Why the analysis itself does not work; not the photo's fault."""

    message: str


def main() -> None:
    """The child: `… SOCKET_DESCRIPTOR PARENT_PID MODELS FACES`; answers until the parent closes the connection."""
    connection = Connection(int(sys.argv[1]))
    while True:
        try:
            request = connection.recv()
            connection.recv_bytes()
        except (EOFError, OSError):
            return
        assert isinstance(request, Request)
        if is_run_by_systemd(int(sys.argv[2])):
            os.kill(int(sys.argv[2]), signal.SIGKILL)
            return
        connection.send(
            Broken("Familiar was updated while it ran; the next familiar command replaces this worker")
        )


def is_run_by_systemd(pid: int) -> bool:
    """Whether a process is a service, not something that a person started."""
    try:
        # `pid (name) state parent …`; the name may hold anything.
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        return Path(f"/proc/{parent}/comm").read_text().strip() == "systemd"
    except (OSError, IndexError):
        return False
