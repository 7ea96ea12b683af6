"""What a worker of the version before starts to read photos, kept for one version. Reads none.

That worker runs on while the packages change under it. It sends and expects classes by the names that were here, so it
is told that the analysis does not work: it then counts no photo as failed, and the worker that replaces it reads them.
"""

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
        connection.send(
            Broken("Familiar was updated while it ran. It goes on with the new version by itself.")
        )
