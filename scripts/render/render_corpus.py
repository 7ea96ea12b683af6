"""Writes training pictures with exact captions: shards of uint8 arrays and a captions.jsonl.

    python scripts/render/render_corpus.py --out DIR --count 60000 --backgrounds CORPUS/photos --workers 2

Subjects stand in painted places, on plain paper and, given a prepared corpus of photos, before real ones: those
without a label, though people or animals may be in some of them. Resumable: finished shards are kept. Subjects that
look like those of the shipped sample library are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assistant.evaluation.data.corpora import load_arrays
from scripts.render.catalogue import CLASSES, Subject
from scripts.render.geometry.renderer import render
from scripts.render.sample_library.subjects import SHIPPED
from scripts.render.scene import FAST
from scripts.render.views import draw_view, suitable_places

SHARD = 300
VIEWS = (4, 6, 5)
PLAIN_SHARE, PHOTO_SHARE = 0.2, 0.25
"""Views on plain paper, where a subject's own shape and colour are all there is, and before a photo."""
OFTEN = {
    "dog": 3.0,
    "cat": 3.0,
    "person": 3.0,
    "bird": 2.0,
    "rabbit": 1.5,
    "horse": 1.5,
    "fish": 1.5,
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


def load_backgrounds(folder: Path) -> np.ndarray:
    """Training photos of a prepared corpus in which nothing is named, `[n, side, side, 3]`."""
    (pixels,), records = load_arrays([folder])
    chosen = [i for i, record in enumerate(records) if not record.label and not record.held_out]
    if not chosen:
        raise SystemExit(f"{folder} has no photo without a label to stand behind a subject.")
    return np.asarray(pixels[chosen])


def piece(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """A random square of a photo, perhaps mirrored."""
    side = int(rng.integers(photo.shape[0] // 2, photo.shape[0] + 1))
    top, left = rng.integers(0, photo.shape[0] - side + 1, 2)
    square = photo[top : top + side, left : left + side]
    return square[:, ::-1] if rng.random() < 0.5 else square


@dataclass(frozen=True)
class Studio:
    """Renders views of a plan; `backgrounds` may be empty."""

    seed: int
    size: int
    backgrounds: np.ndarray

    def render_one(self, index: int, subject: Subject, view: int) -> tuple[np.ndarray, dict[str, object]]:
        """One picture [size, size, 3] and its record (without subject_id)."""
        places = list(suitable_places(subject.label))
        order = np.random.default_rng([self.seed, subject.seed, len(subject.label)]).permutation(len(places))
        rng = np.random.default_rng([self.seed, index, subject.seed])
        place, behind, kind = places[order[view % len(places)]], None, rng.random()
        if kind < PHOTO_SHARE and len(self.backgrounds):
            place, behind = "photo", piece(rng, self.backgrounds[rng.integers(len(self.backgrounds))])
        elif kind > 1 - PLAIN_SHARE:
            place = "studio"
        drawn = draw_view(rng, subject, place)
        t = drawn.traits
        asked = drawn.questions
        if behind is not None:
            # Anything may be in a real photo, and asking only what is certainly there would teach to say yes.
            asked = [[question, said] for question, said in asked if not question.startswith("Is there ")]
        return render(drawn.scene, self.size, self.size, FAST, behind), {
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
            "questions": asked,
        }

    def write_shard(self, out: Path, number: int, chosen: list[tuple[str, Subject, int]]) -> int:
        """Renders and atomically writes one shard; returns its number of pictures."""
        pictures, records = [], []
        for offset, (subject_id, subject, view) in enumerate(chosen):
            picture, record = self.render_one(number * SHARD + offset, subject, view)
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
    parser.add_argument("--count", type=int, default=60_000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--backgrounds", type=Path, help="prepared corpus of photos (scripts.pocket.data.corpus)"
    )
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    backgrounds = load_backgrounds(args.backgrounds) if args.backgrounds else np.zeros((0, 1, 1, 3), np.uint8)
    settings = {
        "count": args.count,
        "size": args.size,
        "seed": args.seed,
        "shard": SHARD,
        "backgrounds": len(backgrounds),
    }
    stamp = args.out / "settings.json"
    if stamp.exists() and json.loads(stamp.read_text()) != settings:
        raise SystemExit(f"{args.out} holds another run ({stamp.read_text()}); choose an empty folder")
    stamp.write_text(json.dumps(settings))
    shards = range((args.count + SHARD - 1) // SHARD)
    missing = [n for n in shards if not (args.out / f"images_{n:05d}.npy").exists()]
    started, done = time.monotonic(), 0
    everything = plan(args.seed, args.count)
    studio = Studio(args.seed, args.size, backgrounds)
    with ProcessPoolExecutor(args.workers) as pool:
        futures = [
            pool.submit(studio.write_shard, args.out, n, everything[n * SHARD : (n + 1) * SHARD])
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
