"""That nothing reaches another machine while tests run is itself seen to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from loopback_only import NOTES, host_of, is_this_machine, notes


def test_a_connection_beyond_this_machine_is_refused_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    with socket.socket() as client, pytest.raises(PermissionError, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))
    with pytest.raises(PermissionError):
        socket.getaddrinfo("example.org", 443)
    assert ["192.0.2.1" in notes()[0], "example.org" in notes()[1]] == [True, True]


def test_so_it_is_in_processes_that_a_test_starts(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=0.1)"
    environment = {**os.environ, NOTES: str(tmp_path / "notes")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "a test tried to reach 192.0.2.1" in done.stderr
    assert "192.0.2.1" in (tmp_path / "notes").read_text()


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
    assert all(map(is_this_machine, ["localhost", "127.0.0.1", "::1", "0.0.0.0"]))
    assert not any(map(is_this_machine, ["192.168.0.1", "example.org", "2001:db8::1"]))
    assert host_of("socket.connect", (None, "/run/a.socket")) is None


def test_nothing_was_tried_so_far() -> None:
    assert notes() == []
