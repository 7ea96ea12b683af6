"""No test, and no process that a test starts, may talk to another machine: a connection is refused and noted.

The note lies in a file, so that a caller who swallows the error hides nothing. Child processes of Python load this by
`sitecustomize.py` beside it.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import Any

NOTES = "FAMILIAR_TEST_CONNECTIONS"
"""The environment variable that names the file of notes."""
_EVENTS = frozenset(
    {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
)


def host_of(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The host of a socket's audit event; None where there is none, as with a socket that is a file."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    return host if isinstance(host, str) and host else None


def is_this_machine(host: str) -> bool:
    """Whether only this machine is reached by `host`."""
    if host in ("localhost", "localhost.localdomain", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def watch_sockets() -> None:
    """From now on this process connects to no other machine. Cannot be undone."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _EVENTS:
            return
        host = host_of(event, arguments)
        if host is None or is_this_machine(host):
            return
        note(f"{event} {host} by {' '.join(sys.argv[:3])}: {os.environ.get('PYTEST_CURRENT_TEST', '')}")
        raise PermissionError(f"a test tried to reach {host}")

    sys.addaudithook(hook)


def note(text: str) -> None:
    """Add a line to the file of notes, where there is one."""
    path = os.environ.get(NOTES)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def notes() -> list[str]:
    """What was tried so far, by this process and all others of the run."""
    path = Path(os.environ.get(NOTES, ""))
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
