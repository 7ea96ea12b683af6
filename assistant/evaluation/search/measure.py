"""`familiar evaluate find` and `familiar bench find`: precision, recall and time of searches in a made-up library.

The control looks for the words of a search in file names, folders and titles alone, as a file manager does.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.evaluation.data.options import EvaluationRun, FindBenchOptions, FindOptions
from assistant.evaluation.search.made_library import NOW, MadePhoto, make_library
from assistant.evaluation.search.queries import NOTHING_FITS, SEARCHES
from assistant.language.question_words import fold
from assistant.search.search import Searcher
from personalizer.library.library import Library

_LISTED = 20
"""As many as the command lists."""


def evaluate_find(options: FindOptions, run: EvaluationRun) -> dict[str, Any]:
    """Precision and recall of each search, their means, the control's, and how many of the others find nothing."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run.say(0, 2, f"Making a library of {options.photos:,} photos")
        with Library.open(place / "library.sqlite") as library:
            made = make_library(library, place / "photos", photos=options.photos, seed=options.seed)
            run.say(1, 2, "Searching")
            searcher = Searcher(library)
            rows: list[dict[str, Any]] = []
            for search in SEARCHES:
                found = {photo.path for photo in searcher.find(search.text, now=NOW).photos}
                right = {photo.path for photo in made if search.holds(photo)}
                by_words = _by_file_manager(search.text, made)
                rows.append(
                    {
                        "search": search.text,
                        "right": len(right),
                        "found": len(found),
                        **_scores(found, right),
                        "control": _scores(by_words, right),
                    }
                )
            nothing = {text: searcher.find(text, now=NOW) for text in NOTHING_FITS}
    return {
        "precision": statistics.mean(row["precision"] for row in rows),
        "recall": statistics.mean(row["recall"] for row in rows),
        "control": {
            key: statistics.mean(row["control"][key] for row in rows) for key in ("precision", "recall")
        },
        "said_nothing": sum(not found.count for found in nothing.values()),
        "nothing_fits": [
            {"search": text, "found": found.count, "answer": found.answer} for text, found in nothing.items()
        ],
        "searches": rows,
        "settings": {
            "photos": options.photos,
            "seed": options.seed,
            "searches": len(SEARCHES),
            "now": NOW.isoformat(),
        },
    }


def benchmark_find(options: FindBenchOptions, run: EvaluationRun) -> dict[str, Any]:
    """Milliseconds of a search in a library of `photos`, in a small one, and of reading all rows once, in one run."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        times: dict[str, list[float]] = {}
        scan_ms = 0.0
        for name, count in (("small", max(50, options.photos // 100)), ("large", options.photos)):
            run.say(0, 2, f"Making a library of {count:,} photos")
            with Library.open(place / f"{name}.sqlite") as library:
                make_library(library, place / name, photos=count, seed=options.seed)
                run.say(1, 2, f"Searching {count:,} photos")
                times[name] = _times_ms(Searcher(library), options.repeats)
                scan_ms = _all_rows_ms(library, options.repeats)
    return {
        "ours": _p95(times["large"]),
        "baseline": scan_ms,
        "ratio": scan_ms / _p95(times["large"]),
        "unit": "ms",
        "median_ms": statistics.median(times["large"]),
        "p95_ms": _p95(times["large"]),
        "slowest_ms": max(times["large"]),
        "small": {"photos": max(50, options.photos // 100), "p95_ms": _p95(times["small"])},
        "settings": {
            "photos": options.photos,
            "repeats": options.repeats,
            "searches": len(times["large"]),
            "seed": options.seed,
        },
    }


def _scores(found: set[Path], right: set[Path]) -> dict[str, float]:
    """Precision and recall; of nothing to find both are 1 where nothing was found."""
    common = len(found & right)
    return {
        "precision": common / len(found) if found else float(not right),
        "recall": common / len(right) if right else float(not found),
    }


def _by_file_manager(text: str, made: Sequence[MadePhoto]) -> set[Path]:
    """Photos of which path and title have every word of the search in them."""
    words = [word for word in re.findall(r"\w+", fold(text)) if len(word) > 2]
    found = set()
    for photo in made:
        written = fold(f"{photo.path} {photo.title or ''} {' '.join(photo.keywords)}")
        if words and all(word in written for word in words):
            found.add(photo.path)
    return found


def _times_ms(searcher: Searcher, repeats: int) -> list[float]:
    """The median of each search's repeats."""
    medians = []
    for text in [*(search.text for search in SEARCHES), *NOTHING_FITS]:
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            searcher.find(text, limit=_LISTED, now=NOW)
            times.append(1000 * (time.perf_counter() - started))
        medians.append(statistics.median(times))
    return medians


def _all_rows_ms(library: Library, repeats: int) -> float:
    """What it takes to read every photo's record once, as a search without any index would."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        library.photos()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]
