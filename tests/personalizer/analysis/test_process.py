"""The processes that read photos: what they may use, and that they are gone when they should be."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from PIL import Image
from waiting import until

from personalizer.analysis.process import (
    MEMORY_MIB,
    Analysed,
    AnalysisProcess,
    Answer,
    Request,
    Unreadable,
    wait_for_any,
)
from personalizer.errors import UnreadablePhotoError
from personalizer.home import child_environment

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory and the signal are Linux's")


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """A picture that needs more memory than its size says, and one that takes a decoder minutes."""
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from scripts.faults import bombs as made
    from scripts.faults.sources import sources

    strip = io.BytesIO()
    # In a single strip, which is unpacked beside the picture.
    side_px = 11_500
    Image.new("RGB", (side_px, side_px)).save(
        strip, "TIFF", compression="tiff_deflate", tiffinfo={278: side_px}
    )
    by_name = {source.name: source.content for source in sources() if source.name.startswith("jpeg")}
    slow = dict(made.jpeg_bombs(by_name["jpeg"], by_name["jpeg-progressive"]))["jpeg-5000-scans.jpg"]
    return {"large": strip.getvalue(), "slow": slow}


def ask(process: AnalysisProcess, path: Path, content: bytes) -> Answer:
    process.send(path, content)
    assert wait_for_any([process], 60), "no answer"
    return process.receive()


@LINUX
def test_a_photo_that_takes_too_much_memory_fails_alone(
    bombs: dict[str, bytes], tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    good = make_photo(tmp_path / "good.jpg", 1).read_bytes()
    peaks: list[float] = []
    with AnalysisProcess() as process:
        assert isinstance(ask(process, Path("good.jpg"), good), Analysed)
        process.send(Path("large.tif"), bombs["large"])
        while not wait_for_any([process], 0.005):
            status = Path(f"/proc/{process.pid}/status").read_text()
            peaks.append(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
        answer = process.receive()
        assert answer == Unreadable(
            f"reading it takes more memory than a photo may ({MEMORY_MIB} MiB)", spent=True
        )
        assert process.pid is None, "what it has left is in pieces"
        assert isinstance(ask(process, Path("good.jpg"), good), Analysed)
    assert 300 < max(peaks) < 1024


@pytest.mark.slow
def test_a_photo_that_takes_too_long_fails_alone(
    bombs: dict[str, bytes], tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    good = make_photo(tmp_path / "good.jpg", 1).read_bytes()
    with AnalysisProcess() as process:
        assert ask(process, Path("slow.jpg"), bombs["slow"]) == Unreadable("reading it takes too long")
        assert isinstance(ask(process, Path("good.jpg"), good), Analysed)


PARENT = """
import sys, time
from pathlib import Path
from personalizer.analysis.process import AnalysisProcess
process = AnalysisProcess()
process.send(Path("a.jpg"), Path(sys.argv[1]).read_bytes())
print(process.pid, flush=True)
time.sleep(60)
"""


@LINUX
@pytest.mark.parametrize("busy", [True, False])
def test_the_child_ends_with_a_parent_that_is_killed(
    bombs: dict[str, bytes], tmp_path: Path, make_photo: Callable[..., Path], busy: bool
) -> None:
    """Also in the middle of a picture that takes it minutes."""
    file = make_photo(tmp_path / "a.jpg", 1)
    if busy:
        file.write_bytes(bombs["slow"])
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(file)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = Path("/proc") / parent.stdout.readline().strip()
    ticks = os.sysconf("SC_CLK_TCK")

    def used_s() -> float:
        fields = (child / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    until(lambda: used_s() >= (2 if busy else 0.2))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: not child.exists(), patience_s=20)


def test_it_needs_no_network(tmp_path: Path, make_photo: Callable[..., Path]) -> None:
    photo = make_photo(tmp_path / "a.jpg", 1)
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no name space without a network is to be had")
    program = f"""
from pathlib import Path
from personalizer.analysis.process import AnalysisProcess
photo = Path({str(photo)!r})
with AnalysisProcess() as process:
    print(len(process.analyze(photo, photo.read_bytes()).detections))
"""
    done = subprocess.run([*alone, sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 2


def test_a_parent_of_the_version_before_names_a_folder_that_is_ignored(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.jpg", 1)
    ours, theirs = socket.socketpair()
    arguments = [str(theirs.fileno()), str(os.getpid()), str(tmp_path / "models"), "0"]
    as_it_was_started = "from personalizer.analysis.process import main; main()"
    with subprocess.Popen(
        [sys.executable, "-P", "-c", as_it_was_started, *arguments],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.PIPE,
        env=child_environment(),
    ) as child:
        theirs.close()
        with Connection(ours.detach()) as connection:
            connection.send(Request(photo))
            connection.send_bytes(photo.read_bytes())
            answer = connection.recv()
        assert isinstance(answer, Analysed)
        assert child.wait(30) == 0
    assert not (tmp_path / "models").exists()


def test_one_photo_alone_says_what_is_wrong_with_it() -> None:
    with AnalysisProcess() as process, pytest.raises(UnreadablePhotoError) as raised:
        process.analyze(Path("/photos/a.jpg"), b"\xff\xd8\xff\xe0 not a photo")
    assert "damaged header" in raised.value.found and "/photos/a.jpg" in raised.value.tried
