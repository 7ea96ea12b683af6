"""Kills the worker with all its processes again and again while it imports, and looks whether anything was lost.

    python scripts/kill_test.py [--kills 200] [--photos 500] [--seed 0] [--keep DIR]

Each life of the worker ends by SIGKILL to its whole process group at a random moment: while it starts, while it reads
photos, while it writes the index or groups. Then the import is let finish and everything is counted. Prints JSON; ends
with 1 when anything is wrong. Needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from personalizer.home import Home
from personalizer.index.process import IndexProcess
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from scripts.faults.processes import FAMILY, environment, family
from scripts.faults.sources import draw

WORKER = [sys.executable, "-P", "-m", "assistant.worker"]
TOLD = {"backbone": "pocket", "device": "cpu"}
KILLED_WHILE_STARTING = 0.12
"""Of all kills, and as many again after the last photo, where the index is written and things are grouped."""
KILLED_ALONE = 0.25
"""Of all kills: only the worker, without the processes that it started."""
ORPHAN_PATIENCE_S = 5.0
FINISH_S = 1800.0


def write_photos(folder: Path, number: int) -> None:
    """Small drawn photos, some of them copies, so that equal content is met as well."""
    folder.mkdir(parents=True)
    for seed in range(number):
        path = folder / f"{seed % 20:02}" / f"photo-{seed:04}.jpg"
        path.parent.mkdir(exist_ok=True)
        draw(seed, (320, 240)).save(path, "JPEG", quality=80)
    for seed in range(0, number, 25):
        shutil.copy(folder / f"{seed % 20:02}" / f"photo-{seed:04}.jpg", folder / f"copy-{seed:04}.jpg")


class Lives:
    """A home, and the workers that are started in it and killed."""

    def __init__(self, base: Path, photos: int, seed: int) -> None:
        self.home = Home(base / "home").ensure()
        self.photos = base / "photos"
        self.number = photos
        self.random = random.Random(seed)
        self.temporary = base / "tmp"
        self.temporary.mkdir()
        self.mark = {**environment(), "TMPDIR": str(self.temporary)}
        self.killed_while: Counter[str] = Counter()
        self.asked_again = 0
        self.left_behind = 0
        write_photos(self.photos, photos)
        self.library = Library.open(self.home.database)
        self.queue = JobQueue(self.library)
        self.library.add_root(self.photos)
        self.queue.enqueue("scan", "library", TOLD)

    def start(self, idle_exit_s: float = 600) -> subprocess.Popen[bytes]:
        with (self.home.logs / "worker.log").open("ab") as log:
            return subprocess.Popen(
                [*WORKER, "--home", str(self.home.root), "--idle-exit-s", str(idle_exit_s)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self.mark,
            )

    def recorded(self) -> int:
        return int(self.library.connection.execute("SELECT COUNT(*) FROM photos").fetchone()[0])

    def scanning(self) -> bool:
        """Whether the import waits or runs; one that is not is asked for again, as a front end would."""
        states = [job.state for job in self.queue.list() if job.kind in ("scan", "rebuild_index")]
        return any(state in ("queued", "running") for state in states)

    def ask(self) -> None:
        """What a front end asks for where nothing waits: the import again or, once that is done, a new index."""
        if self.scanning():
            return
        done = any(job.kind == "scan" and job.state == "done" for job in self.queue.list())
        self.queue.enqueue("rebuild_index" if done else "scan", "library", TOLD)
        self.asked_again += 1

    def live_and_die(self, kills_left: int, kills: int) -> None:
        """One life. The photos are shared out among the kills that are left, so that the import lasts."""
        self.ask()
        before = self.recorded()
        worker = self.start()
        try:
            if self.random.random() < KILLED_WHILE_STARTING:
                time.sleep(self.random.uniform(0, 2.5))
                moment = "starting"
            else:
                at_the_end = max(int(kills * KILLED_WHILE_STARTING), 1)
                share = (self.number - before) / max(kills_left - at_the_end, 1)
                goal = before + self.random.uniform(0, 2 * share) if kills_left > at_the_end else self.number
                moment = self._wait_for(worker, min(goal, self.number))
                time.sleep(self.random.uniform(0, 0.05))
        finally:
            with contextlib.suppress(ProcessLookupError):
                if self.random.random() < KILLED_ALONE:
                    # What it started has to find out by itself.
                    os.kill(worker.pid, signal.SIGKILL)
                else:
                    os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        self.killed_while[moment] += 1
        deadline_s = time.monotonic() + ORPHAN_PATIENCE_S
        while left := len(family(self.mark[FAMILY])):
            if time.monotonic() > deadline_s:
                self.left_behind += left
                break
            time.sleep(0.05)

    def _wait_for(self, worker: subprocess.Popen[bytes], goal: float) -> str:
        """Until so many photos are there or, with all of them there, for a moment of what comes then."""
        deadline_s = time.monotonic() + 120
        while time.monotonic() < deadline_s and worker.poll() is None:
            running = self.queue.list("running")
            if running and self.recorded() >= goal:
                if self.recorded() < self.number:
                    return "reading photos"
                time.sleep(self.random.uniform(0, 1.5))
                running = self.queue.list("running")
                what = f"{running[0].kind}: {running[0].message}" if running else "nothing to do"
                return f"after the last photo, {what}".partition(" photo-")[0]
            if not self.scanning():
                return "after the import"
            time.sleep(0.01)
        return "waiting"

    def finish(self) -> None:
        """Let the import end by itself."""
        self.ask()
        worker = self.start(idle_exit_s=1)
        try:
            worker.wait(timeout=FINISH_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)

    def examine(self) -> dict[str, Any]:
        """Everything that has to be right, counted; `wrong` is empty when it is."""
        connection = self.library.connection
        hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.photos.rglob("*.jpg")}
        stored = [row[0] for row in connection.execute("SELECT content_hash FROM photos")]
        uneven = connection.execute(
            """SELECT COUNT(*) FROM photos WHERE
                 (SELECT COUNT(*) FROM detections WHERE photo_id = photos.id AND kind = 'photo') != 1
                 OR (SELECT COUNT(*) FROM detections WHERE photo_id = photos.id AND kind = 'object') < 1
                 OR (SELECT COUNT(*) FROM detections WHERE photo_id = photos.id)
                   != (SELECT COUNT(*) FROM vectors JOIN detections ON detections.id = detection_id
                       WHERE photo_id = photos.id)"""
        ).fetchone()[0]
        doubled = connection.execute(
            """SELECT COUNT(*) FROM (SELECT 1 FROM detections GROUP BY photo_id, kind, box_left, box_top, box_right,
                 box_bottom HAVING COUNT(*) > 1)"""
        ).fetchone()[0]
        waiting = connection.execute(
            "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state IN ('queued', 'running'))"
        ).fetchone()[0]
        files = connection.execute("SELECT COUNT(*) FROM photo_files WHERE missing_since IS NULL").fetchone()[
            0
        ]
        time.sleep(1)
        found: dict[str, Any] = {
            "photos": len(stored),
            "photos_lost": len(hashes - set(stored)),
            "photos_twice": len(stored) - len(set(stored)),
            "photos_unknown": len(set(stored) - hashes),
            "files_lost": len(list(self.photos.rglob("*.jpg"))) - files,
            "photos_with_wrong_detections": uneven,
            "detections_twice": doubled,
            "failures": len(self.library.failures()),
            "jobs_left": waiting,
            "integrity_check": connection.execute("PRAGMA integrity_check").fetchone()[0],
            "foreign_key_check": len(connection.execute("PRAGMA foreign_key_check").fetchall()),
            "index": IndexProcess(self.home.chroma).check(self.library),
            "orphans": len(family(self.mark[FAMILY])),
            "temporary_files": sorted(
                path.name
                for folder in (self.home.root, self.temporary)
                for path in folder.rglob("*")
                if path.is_file() and (folder == self.temporary or path.name.endswith(".tmp"))
            ),
        }
        fine = {"photos": len(hashes), "integrity_check": "ok", "temporary_files": []}
        index = found["index"]
        wrong = [key for key, value in found.items() if key != "index" and value != fine.get(key, 0)]
        if index["missing"] or index["extra"] or index["different"] or not index["vectors"]:
            wrong.append("index")
        return {**found, "wrong": wrong}


def run(base: Path, kills: int, photos: int, seed: int) -> dict[str, Any]:
    """Kill, finish, count."""
    started = time.monotonic()
    lives = Lives(base, photos, seed)
    try:
        damaged = 0
        for number in range(kills):
            lives.live_and_die(kills - number, kills)
            with contextlib.closing(sqlite3.connect(lives.home.database)) as after:
                damaged += after.execute("PRAGMA quick_check").fetchone()[0] != "ok"
            print(f"kill {number + 1}: {lives.recorded()} photos", file=sys.stderr, flush=True)
        lives.finish()
        return {
            "kills": kills,
            "killed_while": dict(lives.killed_while),
            "damaged_after_a_kill": damaged,
            "left_behind_after_a_kill": lives.left_behind,
            "asked_again": lives.asked_again,
            **lives.examine(),
            "elapsed_s": round(time.monotonic() - started, 1),
        }
    finally:
        lives.library.close()
        for pid in family(lives.mark[FAMILY]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="work in this (new) folder and leave it")
    options = parser.parse_args(arguments)
    if options.keep is not None:
        options.keep.mkdir(parents=True)
        result = run(options.keep.resolve(), options.kills, options.photos, options.seed)
    else:
        with tempfile.TemporaryDirectory() as base:
            result = run(Path(base), options.kills, options.photos, options.seed)
    print(json.dumps(result, indent=2))
    return int(bool(result["wrong"] or result["damaged_after_a_kill"] or result["left_behind_after_a_kill"]))


if __name__ == "__main__":
    sys.exit(main())
