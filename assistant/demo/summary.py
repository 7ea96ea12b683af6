"""The demo's result as text for a terminal or a log. Computes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from assistant.demo.run import DemoResult, picture_caption
from assistant.presentation.printable import printable
from assistant.presentation.thumbnails import Captioned, side_by_side
from personalizer.errors import counted

THUMBNAIL_COLUMNS = 24


def summary_lines(result: DemoResult, *, pictures: bool) -> str:
    """What happened, in the order in which it happened; with thumbnails where `pictures`.

    Names and answers are made printable; the thumbnails alone hold the terminal's codes.
    """
    times = result.elapsed_s
    lines = [
        "",
        f"{counted(result.photos, 'photo')}, {counted(result.detections, 'detection')} "
        f"({times.get('ingest', 0):.0f} s)",
        "",
        "Concepts",
    ]
    for concept in result.concepts:
        found = f"{concept['how']}; {concept['state']}"
        lines.append(f"  {concept['name']} ({concept['class_name']}): {found}")
    for trained in result.trained:
        values, steps = f"{trained['trained_values']:,} values", trained["steps"]
        spent = f"{values} in {steps} steps, {trained['elapsed_s']:.0f} s"
        lines.append(f"  {trained['concept']}: trained {spent}")
    lines += ["", "Asked about photos it has not learned from"]
    for asked in result.describe:
        mark = "right" if asked["correct"] else "WRONG"
        lines.append(f"  {Path(asked['photo']).name}: {asked['question']} → {asked['answer']}")
        lines.append(f"      it shows: {asked['shows']} → {mark}")
    lines = _printable(lines)
    if pictures:
        asked_about = [(a["photo"], f"{a['question']} {a['verdict']}") for a in result.describe]
        lines += ["", _thumbnails(asked_about)]
    lines += ["", "Painted (montages show the photos' own things; what the small model draws is no likeness)"]
    lines += _printable(f"  {picture_caption(painted)}: {painted['path']}" for painted in result.imagine)
    if pictures:
        lines += ["", _thumbnails([(d["path"], picture_caption(d)) for d in result.imagine])]
    idle = all("counts for nothing" in asked["answer"] for asked in result.describe)
    by_whom = " (by the embedding alone: the trained prefix has no say in it yet)" if idle else ""
    right = sum(asked["correct"] for asked in result.describe)
    spent = ", ".join(
        f"{name} {seconds:.0f} s" for name, seconds in times.items() if name not in ("total", "this_run")
    )
    lines += [
        "",
        f"{right} of {len(result.describe)} questions answered rightly{by_whom}.",
        f"{times.get('total', 0):.0f} s in all: {spent}.",
        *_printable([f"All pictures on one sheet: {result.contact_sheet}"]),
    ]
    if result.repeated:
        lines.append("This was finished by an earlier run; nothing was done again.")
    lines += _printable(["", f"Try: familiar --home '{result.home}' describe PHOTO, imagine TEXT, or chat"])
    return "\n".join(lines)


def _printable(lines: Iterable[str]) -> list[str]:
    return [printable(line) for line in lines]


def _thumbnails(pictures: list[tuple[str, str]]) -> str:
    captioned = [Captioned(Path(path), printable(caption)) for path, caption in pictures]
    return side_by_side(captioned, THUMBNAIL_COLUMNS, shutil.get_terminal_size().columns)
