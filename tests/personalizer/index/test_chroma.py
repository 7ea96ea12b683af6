from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo

from personalizer.index.chroma import IndexCheck, VectorStore
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, DetectionKind, Embedding, NewDetection


def record(library: Library, number: int, kind: DetectionKind, vector: np.ndarray, version: str = "1") -> int:
    photo = store_photo(
        library,
        content_hash=f"{kind}{number}{version}",
        path=Path(f"/photos/{kind}{number}{version}.jpg"),
        width_px=10,
        height_px=10,
        detections=[
            (
                NewDetection(kind, BoundingBox(0, 0, 9, 9), 1, "t"),
                Embedding(vector.astype("f4"), "m", version),
            )
        ],
    )
    return library.detections(photo.id)[0].id


def unit(count: int, dim: int = 16) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(count, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def stored(store: VectorStore, kind: str) -> int:
    return sum(number for name, number in store.counts().items() if name.startswith(f"{kind}-"))


def test_sync_query_and_rebuild(library: Library, tmp_path: Path) -> None:
    vectors = unit(20)
    objects = [record(library, n, "object", vectors[n]) for n in range(20)]
    faces = [record(library, n, "face", vectors[n] * 3) for n in range(5)]
    store = VectorStore(tmp_path / "chroma")
    assert store.sync(library) == 25
    assert store.sync(library) == 0 and library.counts()["not_indexed"] == 0
    found = store.query("object", Embedding(vectors[3].astype("f4"), "m", "1"), 4)
    expected = vectors @ vectors[3]
    assert [i for i, _ in found] == [objects[n] for n in np.argsort(-expected)[:4]]
    assert [s for _, s in found] == pytest.approx(np.sort(expected)[::-1][:4], abs=1e-4)
    [(nearest, similarity), *_] = store.query("face", Embedding(vectors[1].astype("f4") * 3.5, "m", "1"), 9)
    assert nearest == faces[1] and similarity == pytest.approx(0.5, abs=1e-3)
    library.delete_detections(objects[:10])
    store.sync(library)
    assert stored(store, "object") == 10
    assert store.rebuild(library) == 15 and stored(store, "object") == 10 and stored(store, "face") == 5


def test_crash_between_push_and_mark_changes_nothing(library: Library, tmp_path: Path) -> None:
    for n, vector in enumerate(unit(5)):
        record(library, n, "photo", vector)
    store = VectorStore(tmp_path / "chroma")
    store.sync(library)
    library.set_indexed(None, indexed=False)
    assert store.sync(library) == 5 and stored(store, "photo") == 5


def test_a_number_that_is_used_again_while_its_removal_waits_stays_in_the_index(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = unit(3)
    record(library, 0, "object", vectors[0])
    gone = record(library, 1, "object", vectors[1])
    store = VectorStore(tmp_path / "chroma")
    assert store.sync(library) == 2
    push, again = library.vectors_to_index, []

    def meanwhile(limit: int) -> list:
        # After what is gone was taken out: another one goes, and a new one gets its number.
        if not again:
            library.delete_detections([gone])
            again.append(record(library, 2, "object", vectors[2]))
        return push(limit)

    monkeypatch.setattr(library, "vectors_to_index", meanwhile)
    store.sync(library)
    assert again == [gone] and library.index_removals(1), "the case that is meant"
    # Not by making everything anew, which takes hours for a large library.
    monkeypatch.setattr(store, "rebuild", lambda library: pytest.fail("rebuilt"))
    store.sync(library)
    assert store.check(library) == IndexCheck(2, 0, 0, 0) and library.index_removals(1) == []


def test_versions_are_kept_apart(library: Library, tmp_path: Path) -> None:
    vectors = unit(2)
    record(library, 0, "object", vectors[0], "1")
    new = record(library, 1, "object", vectors[1], "2")
    store = VectorStore(tmp_path / "chroma")
    store.sync(library)
    assert [i for i, _ in store.query("object", Embedding(vectors[0].astype("f4"), "m", "2"), 5)] == [new]
    assert store.query("object", Embedding(vectors[0].astype("f4"), "m", "3"), 5) == []


NO_NETWORK = """
import os, sys
def refuse(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto", "urllib.Request"):
        address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments
        if not isinstance(address, (str, bytes)):
            os.write(2, f"network: {event} {arguments}".encode())
            os._exit(9)
sys.addaudithook(refuse)
from pathlib import Path
import numpy as np
from personalizer.library.library import Library
from personalizer.schemas import Embedding
from personalizer.index.chroma import VectorStore
home = Path(sys.argv[1])
for _ in range(2):
    with Library.open(home / "library.sqlite3") as library:
        store = VectorStore(home / "chroma")
        store.sync(library)
        assert store.query("object", Embedding(np.ones(16, "f4"), "m", "1"), 3)
        store.rebuild(library)
internet = {line.split()[9] for name in ("tcp", "tcp6", "udp", "udp6")
            for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]}
mine = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
        if os.path.islink(f"/proc/self/fd/{fd}")}
assert not {inode for inode in internet if f"socket:[{inode}]" in mine}
print("done")
"""


def test_no_network_call_is_tried(library: Library, tmp_path: Path) -> None:
    """Python's own calls end the process; sockets that native code opened would be found at the end."""
    for n, vector in enumerate(unit(5)):
        record(library, n, "object", vector)
    finished = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, str(library.path.parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout.strip() == "done", finished.stderr


def test_files_are_private(library: Library, tmp_path: Path) -> None:
    record(library, 0, "object", unit(1)[0])
    VectorStore(tmp_path / "chroma").sync(library)
    for path in (tmp_path / "chroma").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
