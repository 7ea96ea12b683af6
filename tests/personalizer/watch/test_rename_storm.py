"""Fifty thousand files renamed at once while they are watched: all are found again, in the same memory."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from stored_photos import store_photo

from personalizer.library.library import Library

FILES = 50_000
FOLDERS = 50
STORM = """
import json, os, sys, threading, time
from pathlib import Path
from personalizer.library.library import Library
from personalizer.scan.full_scan import scan
from personalizer.watch.roots import WatchTimes
from personalizer.watch.watcher import Watcher

def resident_mib():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

root = Path(sys.argv[2])
requested, highest, stop = threading.Event(), [0.0], threading.Event()

def measure():
    while not stop.wait(0.05):
        highest[0] = max(highest[0], resident_mib())

with Library.open(Path(sys.argv[1])) as library:
    def look():
        report = scan(library, [root])
        return {name: getattr(report, name) for name in ("seen", "new", "changed", "moved", "missing", "waiting")} | {
            "frozen": len(report.frozen), "failed": len(report.failed), "elapsed_s": report.elapsed_s}
    first = look()
    threading.Thread(target=measure, daemon=True).start()
    with Watcher(lambda: [root], lambda folders: requested.set(), times=WatchTimes(debounce_s=1.0)):
        before_mib = resident_mib()
        for folder in sorted(root.iterdir()):
            for entry in list(os.scandir(folder)):
                os.rename(entry.path, f"{folder}/new {entry.name}")
        for folder in sorted(root.iterdir()):
            folder.rename(root / f"new {folder.name}")
        assert requested.wait(60)
        watched_mib = max(highest[0], resident_mib())
        storm = look()
    stop.set()
print(json.dumps({"first": first, "storm": storm, "before_mib": before_mib, "watched_mib": watched_mib,
                  "highest_mib": max(highest[0], resident_mib())}))
"""


@pytest.mark.slow
def test_a_storm_of_renames_keeps_everything_and_takes_no_memory(tmp_path: Path) -> None:
    root, database = tmp_path / "photos", tmp_path / "home" / "library.sqlite3"
    with Library.open(database) as library, library.transaction() as connection:
        library.add_root(root)
        for number in range(FILES):
            path = root / f"{number % FOLDERS:02}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = b"\xff\xd8\xff\xe0 photo %d" % number
            path.write_bytes(content)
            store_photo(
                library,
                content_hash=hashlib.sha256(content).hexdigest(),
                path=path,
                size=path.stat().st_size,
                mtime_ns=path.stat().st_mtime_ns,
                width_px=10,
                height_px=10,
            )
        ids = [row["photo_id"] for row in connection.execute("SELECT photo_id FROM photo_files ORDER BY 1")]
    done = subprocess.run(
        [sys.executable, "-c", STORM, str(database), str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    nothing = dict.fromkeys(("new", "changed", "missing", "waiting", "frozen", "failed"), 0)
    assert found["first"] | nothing == found["first"] and found["first"]["seen"] == FILES
    assert found["storm"] | nothing == found["storm"] and found["storm"]["moved"] == FILES
    # Fifty thousand paths in Python's own lists and dictionaries would be tens of MiB.
    assert found["watched_mib"] - found["before_mib"] < 8, found
    assert found["highest_mib"] - found["before_mib"] < 24, found
    with Library.open(database, read_only=True) as library:
        rows = library.connection.execute(
            "SELECT photo_id, missing_since FROM photo_files ORDER BY 1"
        ).fetchall()
        assert [row["photo_id"] for row in rows] == ids
        assert not any(row["missing_since"] for row in rows)
