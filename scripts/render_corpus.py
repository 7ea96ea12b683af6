"""Writes training pictures with exact captions: shards of uint8 arrays and a captions.jsonl.

    python scripts/render_corpus.py --out DIR --count 8000 --size 96 --seed 1 --workers 1

Resumable: finished shards are kept. Subjects that look like those of the shipped sample library are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.render.catalogue import CLASSES, Subject
from scripts.render.library_subjects import SHIPPED
from scripts.render.renderer import render
from scripts.render.scene import FAST
from scripts.render.views import draw_view, suitable_places

SHARD = 300
VIEWS = (4, 6, 5)
OFTEN = {
    "dog": 3.0,
    "cat": 3.0,
    "bird": 2.0,
    "plush bear": 1.6,
    "robot": 1.5,
    "mug": 1.5,
    "backpack": 1.5,
    "sneaker": 1.5,
    "rubber duck": 1.5,
}


def subjects(seed: int) -> Iterator[tuple[str, Subject, int]]:
    """Endless (subject_id, subject, number of views), the same for the same seed."""
    shipped = {(s.label, s.traits()) for s in SHIPPED.values()}
    weights = np.array([OFTEN.get(name, 1.0) for name in CLASSES])
    number = 0
    while True:
        rng = np.random.default_rng([seed, number, 77])
        label = str(rng.choice(list(CLASSES), p=weights / weights.sum()))
        subject = Subject(label, int(rng.integers(0, 800_000)))
        views = VIEWS[number % len(VIEWS)]
        number += 1
        while (label, subject.traits()) in shipped:
            subject = Subject(label, subject.seed + 1)
        yield f"{label.replace(' ', '_')}-{subject.seed:06d}-{number:06d}", subject, views


def plan(seed: int, count: int) -> list[tuple[str, Subject, int]]:
    """One (subject_id, subject, view number) per picture."""
    result: list[tuple[str, Subject, int]] = []
    for subject_id, subject, views in subjects(seed):
        result += [(subject_id, subject, view) for view in range(views)]
        if len(result) >= count:
            return result[:count]
    raise AssertionError("unreachable")


def render_one(
    seed: int, index: int, subject: Subject, view: int, size: int
) -> tuple[np.ndarray, dict[str, object]]:
    """One picture [size, size, 3] and its record (without subject_id)."""
    places = list(suitable_places(subject.label))
    order = np.random.default_rng([seed, subject.seed, len(subject.label)]).permutation(len(places))
    drawn = draw_view(
        np.random.default_rng([seed, index, subject.seed]), subject, places[order[view % len(places)]]
    )
    picture = render(drawn.scene, size, size, FAST)
    t = drawn.traits
    return picture, {
        "index": index,
        "subject_id": "",
        "label": subject.label,
        "caption": drawn.caption,
        "color": t.color,
        "color2": t.color2,
        "pattern": t.pattern,
        "material": t.material,
        "place": drawn.place,
        "count": drawn.count,
        "light": drawn.light,
        "view": drawn.view,
        "questions": drawn.questions,
    }


def write_shard(out: Path, seed: int, size: int, number: int, chosen: list[tuple[str, Subject, int]]) -> int:
    """Renders and atomically writes one shard; returns its number of pictures."""
    pictures, records = [], []
    for offset, (subject_id, subject, view) in enumerate(chosen):
        picture, record = render_one(seed, number * SHARD + offset, subject, view, size)
        record["subject_id"] = subject_id
        pictures.append(picture)
        records.append(record)
    text, array = out / f"captions_{number:05d}.jsonl", out / f"images_{number:05d}.npy"
    text.with_suffix(".tmp").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    text.with_suffix(".tmp").replace(text)
    with array.with_suffix(".tmp").open("wb") as f:
        np.save(f, np.stack(pictures))
    array.with_suffix(".tmp").replace(array)
    return len(chosen)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=8000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    settings = {"count": args.count, "size": args.size, "seed": args.seed, "shard": SHARD}
    stamp = args.out / "settings.json"
    if stamp.exists() and json.loads(stamp.read_text()) != settings:
        raise SystemExit(f"{args.out} holds another run ({stamp.read_text()}); choose an empty folder")
    stamp.write_text(json.dumps(settings))
    shards = range((args.count + SHARD - 1) // SHARD)
    missing = [n for n in shards if not (args.out / f"images_{n:05d}.npy").exists()]
    started, done = time.monotonic(), 0
    everything = plan(args.seed, args.count)
    with ProcessPoolExecutor(args.workers) as pool:
        futures = [
            pool.submit(
                write_shard, args.out, args.seed, args.size, n, everything[n * SHARD : (n + 1) * SHARD]
            )
            for n in missing
        ]
        for future in as_completed(futures):
            done += future.result()
            rate = done / (time.monotonic() - started)
            print(f"{done} pictures, {rate:.1f}/s", flush=True)
    whole = args.out / "captions.tmp"
    whole.write_text(
        "".join((args.out / f"captions_{n:05d}.jsonl").read_text(encoding="utf-8") for n in shards),
        encoding="utf-8",
    )
    whole.replace(args.out / "captions.jsonl")
    (args.out / "DONE").write_text(f"{args.count}\n")


if __name__ == "__main__":
    main()
