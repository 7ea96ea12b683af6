"""Grouping of people who do not exist: thousands at the distances of real ones, and siblings at chosen distances."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from assistant.evaluation.data.metrics import PrecisionRecall, bcubed
from assistant.evaluation.data.synthetic_people import (
    BETWEEN,
    WITHIN,
    People,
    add_photos,
    draw_people,
    draw_siblings,
)
from personalizer.clustering.state import GroupingState
from personalizer.clustering.update import cluster
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.schemas import Int64Array, OnProgress, Progress

PARTS = 8
SIBLING_WITHIN = 0.4
SIBLING_DISTANCES = (0.48, 0.5, 0.52, 0.55, 0.6)
LIMIT_DISTANCES = (0.44, 0.46)
"""Where photos of two people are hardly further apart than those of one: shown, and not counted."""
SIBLING_PAIRS = 50


def evaluate_synthetic(
    people: int, *, home: Home, seed: int = 0, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """That many people with long-tailed numbers of photos: at once, and in parts that arrive one after another."""
    drawn = draw_people(people, seed)
    order = np.random.default_rng([seed, 1]).permutation(len(drawn.identities)).astype(np.int64)
    if on_progress is not None:
        on_progress(Progress(0, 2, f"Grouping {len(order)} synthetic faces"))
    at_once = _group(home, drawn, [order], on_progress)
    if on_progress is not None:
        on_progress(Progress(1, 2, f"Grouping {len(order)} synthetic faces as they come in"))
    in_parts = _group(home, drawn, np.array_split(order, PARTS), None)
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return {
        "identities": people,
        "vectors": len(order),
        "within": list(WITHIN),
        "between": BETWEEN,
        **at_once,
        "incremental": {
            "parts": PARTS,
            **in_parts,
            "difference": at_once["bcubed"]["f"] - in_parts["bcubed"]["f"],
        },
        "peak_rss_mib": round(kib / 1024, 1),
    }


def _group(
    home: Home, people: People, parts: list[Int64Array], on_progress: OnProgress | None
) -> dict[str, Any]:
    with _library(home) as library:
        state = GroupingState()
        faces: list[int] = []
        elapsed_s = 0.0
        for part in parts:
            faces += add_photos(library, people.vectors[part], part.tolist())
            started_s = time.monotonic()
            report = cluster(library, state=state, progress=on_progress)
            elapsed_s += time.monotonic() - started_s
        group_of = {m.detection_id: m.concept_id for m in library.memberships() if m.status == "confirmed"}
        labels = [group_of.get(face, -face) for face in faces]
    scores: PrecisionRecall = bcubed(labels, people.identities[np.concatenate(parts)].tolist())
    return {
        "bcubed": {"precision": scores.precision, "recall": scores.recall, "f": scores.f},
        "clusters": report.faces,
        "unassigned": report.unassigned,
        "elapsed_s": round(elapsed_s, 1),
    }


def evaluate_siblings(
    *,
    home: Home,
    seed: int = 0,
    pairs: int = SIBLING_PAIRS,
    shown: int = 5,
    later: int = 6,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Named people, and photos of siblings of theirs that come in together with more of their own.

    `merged` counts siblings' photos that joined the named person without asking; there must be none.
    """
    rows: list[dict[str, Any]] = []
    distances = (*SIBLING_DISTANCES, *LIMIT_DISTANCES)
    for number, distance in enumerate(distances):
        if on_progress is not None:
            on_progress(Progress(number, len(distances), "Grouping siblings"))
        person, sibling = draw_siblings(pairs, distance, shown + later, seed + number, within=SIBLING_WITHIN)
        rows.append({"distance": distance, **_siblings(home, person, sibling, shown, seed)})
    return {
        "within": SIBLING_WITHIN,
        "pairs": pairs,
        "merged": sum(row["merged"] for row in rows[: len(SIBLING_DISTANCES)]),
        "rows": rows[: len(SIBLING_DISTANCES)],
        "limit_rows": rows[len(SIBLING_DISTANCES) :],
    }


def _siblings(home: Home, person: People, sibling: People, shown: int, seed: int) -> dict[str, Any]:
    number_of_photo = np.concatenate(
        [np.arange(np.sum(person.identities == i)) for i in np.unique(person.identities)]
    )
    first = number_of_photo < shown
    with _library(home) as library:
        named: dict[int, int] = {}
        faces = add_photos(library, person.vectors[first], list(range(int(first.sum()))))
        for identity in np.unique(person.identities).tolist():
            concept = library.create_concept("face", name=f"Person {identity}")
            own = [face for face, of in zip(faces, person.identities[first], strict=True) if of == identity]
            library.add_members(concept.id, own, source="user", status="confirmed")
            named[identity] = concept.id
        vectors = np.concatenate([person.vectors[~first], sibling.vectors])
        whose = np.concatenate([person.identities[~first], sibling.identities])
        is_sibling = np.arange(len(whose)) >= int((~first).sum())
        order = np.random.default_rng([seed, 2]).permutation(len(whose))
        state = GroupingState()
        found: dict[int, int] = {}
        for part in np.array_split(order, 10):
            added = add_photos(library, vectors[part], (part + 10**6).tolist())
            found |= dict(zip(added, part.tolist(), strict=True))
            cluster(library, state=state)
        status = {(m.detection_id, m.concept_id): m.status for m in library.memberships()}
    said = {
        key: [status.get((face, named[int(whose[n])])) for face, n in found.items() if is_sibling[n] == key]
        for key in (False, True)
    }
    return {
        "merged": said[True].count("confirmed"),
        "asked": said[True].count("suggested"),
        "siblings": len(said[True]),
        "own_attached": said[False].count("confirmed"),
        "own_asked": said[False].count("suggested"),
        "own": len(said[False]),
    }


@contextmanager
def _library(home: Home) -> Iterator[Library]:
    home.ensure()
    with (
        tempfile.TemporaryDirectory(prefix="clusters-", dir=home.root) as folder,
        Library.open(Path(folder) / "library.sqlite3") as library,
    ):
        yield library
