"""Writes what an evaluation found as `report.md` with diagrams beside it, for people to read. Measures nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from assistant.evaluation.data.variants import VARIANTS
from assistant.evaluation.report import tables
from assistant.evaluation.report.plots import (
    Curve,
    Point,
    as_png,
    check_matplotlib,
    curves,
    differences,
    reliability_diagram,
)
from assistant.evaluation.report.tables import Report, Table
from personalizer.errors import FamiliarError, UsageError
from personalizer.home import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal[
    "recognition", "generation", "shots", "retention", "ablation", "clusters", "words", "sentences"
]
REPORT_FILE = "report.md"
RELIABILITY_FILE, CURVE_FILE, DIFFERENCES_FILE = "reliability.png", "shots.png", "ablation.png"


def prepare_report_folder(folder: Path) -> Path:
    """`folder`, made if it has to be. Raises UsageError or NotReadyError now: hours of measuring must not end so."""
    check_matplotlib()
    tried = f"preparing {folder} for a report"
    fix = "Give --report a folder that you may write to."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{REPORT_FILE}.{os.getpid()}.probe"
        write_atomically(probe, b"", private=False)
        probe.unlink()
    except OSError as error:
        raise UsageError(tried=tried, found=error.strerror or str(error), fix=fix) from error
    return folder


def write_report(kind: Kind, report: Report, folder: Path, command: str) -> list[Path]:
    """Write the report of one evaluation and return its files. Raises `FamiliarError` where that fails."""
    try:
        pictures = [(name, title, draw(report)) for name, title, draw in _PICTURES.get(kind, ())]
        files = [folder / REPORT_FILE]
        for name, _, picture in pictures:
            write_atomically(folder / name, as_png(picture), private=False)
            files.append(folder / name)
        shown = [(title, name) for name, title, _ in pictures]
        shown += [(Path(sheet).stem, _relative(sheet, folder)) for sheet in report.get("contact_sheets", ())]
        text = _markdown(kind, report, shown, command)
        write_atomically(files[0], text.encode("utf-8", "backslashreplace"), private=False)
    except OSError as error:
        raise FamiliarError(
            tried=f"writing a report to {folder}",
            found=error.strerror or str(error),
            fix="The numbers are on standard output; give --report another folder and run it again: finished "
            "training and analysis are kept.",
        ) from error
    return files


def _relative(path: str, folder: Path) -> str:
    return quote(Path(os.path.relpath(Path(path).absolute(), folder.absolute())).as_posix())


def _reliability(report: Report) -> Figure:
    bins = [(one["mean_probability"], one["share_positive"], one["count"]) for one in report["reliability"]]
    return reliability_diagram("Reliability of the product", bins)


def _curve(report: Report) -> Figure:
    prefixes = any(row.get("prefix_only") for row in report["rows"])
    wanted = {"product" if prefixes else "product (without prefix)": "product"}
    wanted |= {"retrieval only": "retrieval_only"} | ({"prefix only": "prefix_only"} if prefixes else {})
    wanted |= {"product, own class alone": "same_class"}
    drawn = []
    for name, key in wanted.items():
        found = [(row["shots"], row if key == "product" else row.get(key)) for row in report["rows"]]
        known = [(shots, one) for shots, one in found if one and one["weighted"] is not None]
        drawn.append(Curve(name, [Point(shots, one["weighted"], *one["interval"]) for shots, one in known]))
    return curves("Quality against the number of photos", "photos learned from", "weighted accuracy", drawn)


def _differences(report: Report) -> Figure:
    changed = [row for row in report["rows"] if row["minus_full"]]
    panels = []
    for label, key in (
        ("weighted accuracy, prefix only", "weighted"),
        ("similarity of drawings", "similarity"),
    ):
        found = [(place, row["minus_full"][key]) for place, row in enumerate(changed)]
        known = [(place, one) for place, one in found if one["mean"] is not None]
        panels.append((label, [Point(place, one["mean"], *one["interval"]) for place, one in known]))
    return differences("Minus the full recipe", [row["variant"] for row in changed], panels)


_PICTURES: Mapping[str, Sequence[tuple[str, str, Callable[[Report], Figure]]]] = {
    "recognition": [(RELIABILITY_FILE, "Reliability diagram of the product", _reliability)],
    "shots": [(CURVE_FILE, "Weighted accuracy against the number of photos", _curve)],
    "ablation": [(DIFFERENCES_FILE, "What each variant changes", _differences)],
}
_TABLES: Mapping[Kind, Callable[[Report], Table]] = {
    "recognition": tables.recognition_table,
    "generation": tables.generation_table,
    "shots": tables.shots_table,
    "retention": tables.retention_table,
    "ablation": tables.ablation_table,
    "clusters": tables.clusters_table,
    "words": tables.words_table,
    "sentences": tables.sentences_table,
}
_RECOGNITION_WORDS = """\
Weighted accuracy is the mean of the accuracies on positives and on negatives; an "I am not sure" counts as an error on
positives. Shots, tested photos and negatives are disjoint. Rates are means over a concept's splits, then over concepts;
intervals (95 %) are bootstraps over concepts. The calibration error (`ece`) is class-balanced. Whatever needs a prefix,
and with it the product, is over the trained splits, `retrieval_only` over all.

- `product`: what was learned of the embeddings and the prefix together, at the numbers that ship
- `embedding_only`: the same without the prefix
- `retrieval_only`: the cosine with the mean of the shots, without anything learned
- `prefix_only`: the trained prefix alone, calibrated on the other concepts
- `other_prefix`: the same question with another subject's prefix
- `no_concept`: the bare backbone, asked for the class in words
- `same_class`: the product on negatives of the subject's own class, or that look most like it
- `beside_another`: as `prefix_only`, with another concept's personal prompt in the context as well
- `two subjects`: on pictures of two halves, from photos of two subjects or strangers; the prefix `alone` in its
  prompt, or `beside_another`
- `untouched`, `swapped`, `background_only`: shares of yes in the held-out photos whose thing can be told from its
  ground: as they are, with the thing on other grounds, and the ground alone; `strangers`: in all negatives
"""
_SHOTS_WORDS = f"""\
All rows are tested on the same photos: fewer shots are the first of more, and what the most shots leave is tested.

{_RECOGNITION_WORDS}"""
_GENERATION_WORDS = """\
Cosine similarity to held-out photos, all reduced to the backbone's resolution, in an encoder that the product uses
nowhere else. `position` is where between floor (0) and ceiling (1) that lies; intervals (95 %) are bootstraps over
concepts.

- `first samples`: one drawing per seed, nothing chosen
- `reranked`: of several drawings per seed the best recognised one, as served
- `no_concept`: the bare backbone, asked for a photo of the class
- `in_places`: first samples that were asked for in a place, such as "on a beach"
- `reconstruction`: the shots after the backbone's image tokenizer, which is what the tokenizer allows

`prompt_fidelity` is how often the place survives in those, as a share of how often it does in the bare backbone's
drawings of the class, asked for in the same words; both above what guessing gives. It is a share among these few
places, which are unlike each other: of more, or of more similar ones, less survives.

In the contact sheets, shots have red frames and held-out photos blue ones.
"""
_RETENTION_WORDS = """\
Questions about something else, on held-out pictures, with a personal prompt in the context and without. Intervals
(95 %) are bootstraps over concepts and pictures.

- `with_prompt`: as served, the model decides whether the concept's understanding rows open its answer
- `forced`: the difference where they always do
- `identical_without_name`: whether captions and drawings that name no concept are those of the bare backbone
"""
_ABLATION_WORDS = """\
Each row is one way of training the same concepts from the same photos. Recognition is that of the prefix alone, at
numbers fitted on the other concepts; drawings are first samples, compared with held-out photos. `minus full` is the
difference to the full recipe on the same splits, with a bootstrap over concepts (95 %). Seconds, values and bytes are
medians over the trained concepts.

""" + "\n".join(f"- `{name}`: {one.says}" for name, one in VARIANTS.items())
_CLUSTERS_WORDS = """\
BCubed over the photos of somebody or something; whatever else is in their groups counts as wrong, and what is in no
group, or was not found, is alone. Shuffled orders are the same photos coming in in parts. Of the named rows, some
photos of each one were named before the others came in.
"""
_PLAIN_WORDS = """\
The word is what a description says ("It looks like a dog (97 %)"). It is right where it sums up what the photo shows
("animal" of a dog), and not judged where it says more than is known of the photo. Intervals are Wilson's.

- `always the likeliest`: the word of the network's likeliest class, without calibration
- `always` one word: the one that is right most often
"""
_SENTENCES = """\
What was told, asked for in other words, and searches among words for photos and titles. `top1` is how often what fits
comes first and `mrr` the mean of one over its rank, over all cases where something fits. A threshold is chosen on one
half: the lowest from which 97 of 100 answers are right. The rest is measured on the other half: what is answered from
the threshold on (`given`), which share of that is right and which share of what can be answered, and how often nothing
is answered where nothing fits (`abstained`). Thresholds of what ships are those that answers and searches use.
"""
_WORDS: Mapping[Kind, tuple[str, str]] = {
    "recognition": ("Recognition", _RECOGNITION_WORDS),
    "shots": ("Quality against the number of photos", _SHOTS_WORDS),
    "generation": ("Generation", _GENERATION_WORDS),
    "retention": ("Retention", _RETENTION_WORDS),
    "ablation": ("Ways of training", _ABLATION_WORDS),
    "clusters": ("Clusters", _CLUSTERS_WORDS),
    "words": ("Plain words", _PLAIN_WORDS),
    "sentences": ("Meaning of sentences", _SENTENCES),
}
_ALONE = (
    *("copy_rate", "concepts_without_room", "prompt_fidelity", "prompt_fidelity_reason", "encoder"),
    *("identical_without_name", "prefix_weight"),
)
"""Single values that stand in no table."""


def _markdown(kind: Kind, report: Report, pictures: Sequence[tuple[str, str]], command: str) -> str:
    title, words = _WORDS[kind]
    parts = [f"# {title}", f"```\n{command}\n```", _as_markdown(_TABLES[kind](report)), words.rstrip()]
    alone = [f"- {name}: {tables.number(report[name])}" for name in _ALONE if name in report]
    for heading, row in (("cost", "cost"), ("product minus retrieval", "product_minus_retrieval")):
        if report.get(row):
            values = ", ".join(
                f"{key} {tables.between(value) if isinstance(value, list) else tables.number(value)}"
                for key, value in report[row].items()
            )
            alone.append(f"- {heading}: {values}")
    if alone:
        parts.append("\n".join(alone))
    parts += [f"![{name}]({file})" for name, file in pictures]
    if report.get("answers"):
        parts += ["## What the chat answers", _as_markdown(tables.told_table(report))]
    if report.get("prompt_fidelity_detail"):
        parts += ["## Does the place survive?", _fidelity(report)]
    if backgrounds := tables.background_table(report):
        parts += ["## Backgrounds", _as_markdown(backgrounds)]
    if siblings := tables.siblings_table(report):
        parts += ["## Siblings", _as_markdown(siblings)]
    concepts = tables.per_concept_table(report)
    if concepts:
        parts += ["## By concept", _as_markdown(concepts)]
    parts += ["## Settings", _as_markdown(tables.settings_table(report))]
    return "\n\n".join(parts) + "\n"


def _fidelity(report: Report) -> str:
    detail = report["prompt_fidelity_detail"]
    judge = ", ".join(f"{tables.number(share)} {of}" for of, share in detail["judge_accuracy"].items())
    share = f"{tables.number(report['prompt_fidelity'])} (interval {tables.between(detail['interval'])})"
    words = f"The share kept is {share}. The judge of places itself is right about {judge}."
    return f"{_as_markdown(tables.fidelity_table(report))}\n\n{words}"


def _as_markdown(table: Table) -> str:
    head, *rows = [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in table
    ]
    return "\n".join([head, "|" + "---|" * len(table[0]), *rows])
