"""Whether an import of very many photos holds more and more memory. Knows how to make many small photos of few."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assistant.daemon.process import running_worker_pid, stop_worker
from assistant.evaluation.bench.process_memory import MemorySampler, at_tenths, growth_percent
from assistant.service.familiar import Familiar
from personalizer.home import Home
from personalizer.schemas import OnProgress, Progress

SIDE_PX = 224
PER_FOLDER = 1000
STOP_PATIENCE_S = 60.0
_READING = "Reading "


def measure_memory(
    work: Path, pictures: Sequence[Image.Image], count: int, seed: int, say: OnProgress
) -> dict[str, Any]:
    """Import `count` small photos, all different, into a new library and watch the memory of the worker with its
    children: growth while photos are read, after a tenth of them, and the peak of everything with the grouping.
    """
    photos = work / "many"
    write_many(pictures, photos, count, seed, say)
    home = Home(work / "home-memory").ensure()
    reading: list[int | None] = [None]

    def note(progress: Progress) -> None:
        reading[0] = progress.done if progress.message.startswith(_READING) else None
        say(Progress(progress.done, progress.total, "Importing many photos"))

    familiar = Familiar(home)
    try:
        with MemorySampler(lambda: running_worker_pid(home), lambda: reading[0]) as sampler:
            began = time.perf_counter()
            report = familiar.add([photos], note)
            elapsed_s = time.perf_counter() - began
    finally:
        familiar.close()
        stop_worker(home, STOP_PATIENCE_S)
    shutil.rmtree(photos)
    return {
        "photos": report.new,
        "growth_percent": growth_percent(sampler.samples, count),
        "mib_at_tenths": at_tenths(sampler.samples, count),
        "reading_peak_mib": max((one.mib for one in sampler.samples), default=None),
        "peak_mib": sampler.peak_mib,
        "samples": len(sampler.samples),
        "elapsed_s": elapsed_s,
        "photos_per_s": report.new / elapsed_s,
        "failed": len(report.failed),
    }


def write_many(pictures: Sequence[Image.Image], folder: Path, count: int, seed: int, say: OnProgress) -> None:
    """`count` JPEGs, each another part of one of the pictures, mirrored or not, in other light."""
    random = np.random.default_rng([seed, 20000])
    small = [_reduced(picture) for picture in pictures]
    long_ago_s = time.time() - 86400
    for number in range(count):
        if number % PER_FOLDER == 0:
            say(Progress(number, count, "Writing many photos"))
            (folder / f"{number // PER_FOLDER:03}").mkdir(mode=0o700, parents=True)
        picture = small[int(random.integers(len(small)))]
        share = float(random.uniform(0.6, 1.0))
        size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
        left = int(random.integers(picture.width - size[0] + 1))
        top = int(random.integers(picture.height - size[1] + 1))
        part = picture.crop((left, top, left + size[0], top + size[1]))
        if random.integers(2):
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        light = float(random.uniform(0.7, 1.0))
        part = part.point([round(value * light) for value in range(256)] * 3)
        content = io.BytesIO()
        part.save(content, "JPEG", quality=85)
        path = folder / f"{number // PER_FOLDER:03}" / f"{number:06}.jpg"
        # Nobody's picture ends there, and what follows is not shown: no two files are the same, whatever was drawn.
        path.write_bytes(content.getvalue() + number.to_bytes(4, "big"))
        os.utime(path, (long_ago_s, long_ago_s))


def _reduced(picture: Image.Image) -> Image.Image:
    reduced = picture.convert("RGB")
    reduced.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    return reduced
