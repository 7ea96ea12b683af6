"""The words table: how many photos get a plain word, and how many of these words are right.

What a photo shows is known from its name (`n02123394_Persian_cat.jpg`, WordNet's number first), from a manifest beside
it, or from the folder it lies in (`dog2/`). Photos of which nothing is known are only counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from assistant.answers.photo_facts import labels_to_say
from assistant.evaluation.data.options import EvaluationRun, WordsOptions
from assistant.evaluation.data.protocol import read_photos, rounded
from personalizer.analysis.analyzer import PhotoAnalysis, PhotoAnalyzer
from personalizer.analysis.labels import (
    SAID_BESIDE_FACES_FROM,
    SAID_FROM,
    PlainWord,
    find_word,
    likeliest_word,
    narrowest,
    synsets,
    word_table,
)
from personalizer.errors import UnreadablePhotoError, UsageError
from personalizer.photos.decode import FOR_ANALYSIS, load_photo

MANIFEST = "manifest.json"
_SYNSET = re.compile(r"n(\d{8})_")


@dataclass(frozen=True, slots=True)
class Truth:
    """What a photo shows: one class of the network, or whatever a word of ours sums."""

    classes: frozenset[int]

    def judge(self, word: PlainWord) -> bool | None:
        """Whether the word is right; None where it says more than is known: "corgi" of what is only known as a dog."""
        said = frozenset(word.classes)
        if self.classes <= said:
            return True
        return None if said < self.classes else False


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo, with what was said of it and what the control says."""

    path: Path
    truth: Truth | None
    said: PlainWord | None
    likeliest: PlainWord | None


def evaluate_words(options: WordsOptions, run: EvaluationRun) -> dict[str, Any]:
    """The table as JSON values. Raises `NotFoundError`, or `UsageError` where no photo's content is known."""
    photos = sorted(read_photos(options.photos), key=lambda path: (path.name, path))
    chosen = photos[1::2] if options.second_half else photos
    truths = _truths(options.photos, chosen)
    analyzer, judged, unreadable = PhotoAnalyzer(), [], []
    for number, path in enumerate(chosen):
        run.say(number, len(chosen), f"looking at {path.name}")
        try:
            analysis = analyzer.analyze(load_photo(path, FOR_ANALYSIS))
        except UnreadablePhotoError as error:
            unreadable.append(f"{path}: {error.found}")
            continue
        judged.append(Judged(path, truths.get(path), _said(analysis), likeliest_word(analysis.logits)))
    known = [one for one in judged if one.truth is not None]
    if not judged:
        raise UsageError(
            tried=f"measuring words on {options.photos}",
            found="no photo that can be read",
            fix="Give a folder of photos.",
        )
    everywhere = _word_that_is_right_most_often(known)
    return {
        "photos": len(judged),
        "known": len(known),
        "without_truth": {
            "photos": len(judged) - len(known),
            "given": sum(one.said is not None for one in judged if one.truth is None),
        },
        "said": _rates(known, [one.said for one in known]),
        "control_likeliest_word": _rates(known, [one.likeliest for one in known]),
        "control_one_word": _rates(known, [everywhere] * len(known))
        | {"word": everywhere.word if everywhere else None},
        "wrong": [
            f"{one.path.name}: {one.said.word}"
            for one in known
            if one.said is not None and one.truth is not None and one.truth.judge(one.said) is False
        ],
        "unreadable": unreadable,
        "settings": {
            "said_from": SAID_FROM,
            "said_beside_faces_from": SAID_BESIDE_FACES_FROM,
            "second_half": options.second_half,
        },
    }


def _said(analysis: PhotoAnalysis) -> PlainWord | None:
    """The word that a description would say."""
    beside_face = any(detection.kind == "face" for detection, _ in analysis.detections)
    label = narrowest(labels_to_say(analysis.labels, may_show_people=beside_face))
    return None if label is None else find_word(label.word)


def _rates(known: Sequence[Judged], said: Sequence[PlainWord | None]) -> dict[str, Any]:
    """How many words were said and how many of those that can be judged are right, with Wilson's 95 % interval."""
    verdicts = [
        one.truth.judge(word)
        for one, word in zip(known, said, strict=True)
        if one.truth is not None and word is not None
    ]
    judged = [verdict for verdict in verdicts if verdict is not None]
    right = sum(judged)
    interval = binomtest(right, len(judged)).proportion_ci(method="wilson") if judged else None
    return {
        "given": len(verdicts),
        "coverage": rounded(len(verdicts) / len(known)) if known else None,
        "judged": len(judged),
        "right": right,
        "precision": rounded(right / len(judged)) if judged else None,
        "interval": None if interval is None else [rounded(interval.low), rounded(interval.high)],
    }


def _word_that_is_right_most_often(known: Sequence[Judged]) -> PlainWord | None:
    if not known:
        return None
    return max(word_table(), key=lambda word: sum(bool(one.truth and one.truth.judge(word)) for one in known))


def _truths(folder: Path, photos: Sequence[Path]) -> dict[Path, Truth]:
    """What is known of each photo; those are left out of which nothing is."""
    listed = _manifest(folder)
    place_of = {synset: place for place, synset in enumerate(synsets())}
    found = {}
    for path in photos:
        numbered = _SYNSET.match(path.name)
        word = find_word(listed.get(path, "") or path.parent.name.rstrip("0123456789").replace("_", " "))
        if numbered and int(numbered[1]) in place_of:
            found[path] = Truth(frozenset({place_of[int(numbered[1])]}))
        elif word is not None:
            found[path] = Truth(frozenset(word.classes))
    return found


def _manifest(folder: Path) -> dict[Path, str]:
    """The class of each file that a manifest as that of the sample library names."""
    try:
        entries = json.loads((folder / MANIFEST).read_text("utf-8"))
        return {folder / entry["file"]: str(entry["class"] or "") for entry in entries}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            tried=f"reading {folder / MANIFEST}",
            found=str(error),
            fix='Give a list of {"file": NAME, "class": WORD}, or remove the file.',
        ) from error
