"""Reports for people: everything that was measured is in them, and a folder without access loses nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assistant.evaluation.data import protocol
from assistant.evaluation.data.protocol import Trial
from assistant.evaluation.report import tables
from assistant.evaluation.report.report import Kind, prepare_report_folder, write_report
from personalizer.errors import FamiliarError, UsageError

COMMAND = "familiar evaluate recognition --subjects 'my photos'"
SETTINGS = {"shots": 3, "seed": 0, "skipped_subjects": ["a|b"], "unreadable": {}}


def _trials() -> list[Trial]:
    random = np.random.default_rng(0)
    truth = np.arange(12) < 4
    return [
        Trial(name, np.clip(truth * 0.6 + random.random(12) * 0.4, 0, 1), truth) for name in ("dog", "cat")
    ]


def _row() -> dict[str, Any]:
    return protocol.table(_trials(), per_concept=True)


def _recognition() -> dict[str, Any]:
    rows = {name: _row() for name in tables.CONTROLS}
    known = {"reliability": protocol.reliability(_trials()), "prefix_weight": 0.0, "settings": SETTINGS}
    cost = {"cost": {"concepts": 2, "elapsed_s": 51.2}}
    return {
        **_row(),
        **rows,
        **known,
        **cost,
        "product_minus_retrieval": {"mean": 0.01, "interval": [0.0, 0.02]},
    }


def _generation(folder: Path) -> dict[str, Any]:
    control = {"similarity": 0.4, "position": -0.2, "interval": [0.3, 0.5]}
    return {
        **control,
        **{"ceiling": 0.7, "floor": 0.5, "copy_rate": 0.0, "encoder": "lite2", "prompt_fidelity": 0.75},
        "prompt_fidelity_detail": {
            **{"with_concept": 0.8, "no_concept": 1.0, "chance": 0.2, "interval": [0.6, None]},
            "judge_accuracy": {"renders": 0.97, "reconstructed": 0.96},
            "places": {"on a beach": {"with_concept": 0.8, "no_concept": 1.0}},
        },
        **dict.fromkeys(tables.BESIDE, control),
        "per_concept": {"dog": {"similarity": 0.4, "reranked": {"similarity": 0.41}, "nearest_other": "cat"}},
        "contact_sheets": [str(folder / "contact_sheets" / "dog 1-0.png")],
        "settings": SETTINGS,
    }


def _retention() -> dict[str, Any]:
    chosen = {"with_prompt": 0.55, "difference_points": 0.0, "interval": [-1.0, 1.0]}
    share = {**chosen, "bare": 0.56, "chance": 0.005, "count": 100, "forced": chosen}
    bits = {"with_prompt": 0.5, "difference_bits": 0.02, "interval": [0.0, 0.03]}
    return {
        "caption_top1": share,
        "attribute_questions": None,
        "text_bits_per_token": {**bits, "bare": 0.48, "count": 100, "forced": bits},
        "identical_without_name": True,
        "per_concept": {"dog": {"caption_top1": -1.0, "attribute_questions": None}},
        "settings": SETTINGS,
    }


def _shots() -> dict[str, Any]:
    return {"rows": [{"shots": n, **_recognition()} for n in (1, 2, 4)], "settings": SETTINGS}


def _ablation() -> dict[str, Any]:
    changed = {"mean": -0.02, "interval": [-0.05, 0.01]}
    measured = {
        "recognition": _row(),
        "generation": {"similarity": 0.4, "position": -0.2, "copy_rate": 0.0},
        "cost": {"elapsed_s": 51.2, "trained_values": 1000.0, "bytes": 4000.0},
    }
    minus_full = {"weighted": changed, "area_under_curve": changed, "similarity": changed | {"mean": None}}
    return {
        "rows": [
            {"variant": "full", **measured, "minus_full": None},
            {"variant": "deep_prompts", **measured, "minus_full": minus_full},
        ],
        "no_concept": {"recognition": _row(), "generation": {"similarity": 0.3, "position": -0.4}},
        "retrieval_only": {"recognition": _row()},
        "other_prefix": {"recognition": None},
        **{"floor": 0.5, "ceiling": 0.7, "encoder": "lite2", "concepts_without_room": 0},
        "settings": SETTINGS,
    }


def _reports(folder: Path) -> dict[Kind, dict[str, Any]]:
    return {
        "recognition": _recognition(),
        "generation": _generation(folder),
        "retention": _retention(),
        "shots": _shots(),
        "ablation": _ablation(),
    }


@pytest.mark.parametrize("kind", ["recognition", "generation", "retention", "shots", "ablation"])
def test_a_report_has_its_tables_its_command_and_its_settings(kind: Kind, tmp_path: Path) -> None:
    report = _reports(tmp_path)[kind]
    files = write_report(kind, report, prepare_report_folder(tmp_path / "new" / "report"), COMMAND)
    text = files[0].read_text()
    assert files[0].name == "report.md" and all(file.exists() for file in files)
    assert COMMAND in text and "| seed | 0 |" in text and "a\\|b" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, "every line of a table has as many cells"
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert " " not in picture
        if kind != "generation":
            with Image.open(files[0].parent / picture) as opened:
                assert opened.size >= (700, 150 if kind == "ablation" else 400)


def test_controls_that_were_not_measured_are_left_out_and_others_are_rows(tmp_path: Path) -> None:
    rows = tables.recognition_table({**_row(), "retrieval_only": _row(), "prefix_only": None})
    assert [row[0] for row in rows] == ["", "product", "retrieval_only"]
    drawn = tables.generation_table(_generation(tmp_path))
    assert [row[0].split(":")[0] for row in drawn[1:]] == [
        "first samples",
        *tables.BESIDE,
        "floor",
        "ceiling",
    ]
    survived = tables.fidelity_table(_generation(tmp_path))
    assert [row[0] for row in survived[1:]] == ["on a beach", "all places", "above chance"]
    assert survived[-1][1:] == ("0.600", "0.800")
    kept = tables.retention_table(_retention())
    assert [row[0] for row in kept[1:]] == ["caption_top1", "text_bits_per_token"]
    assert kept[2][3] == "0.020 bits"


def test_ways_of_training_stand_beside_the_full_one_and_the_controls() -> None:
    found = tables.ablation_table(_ablation())
    assert [row[0].split(":")[0] for row in found[1:]] == [
        *("full", "deep_prompts", "no_concept", "retrieval_only", "floor", "ceiling")
    ]
    full, deep = found[1], found[2]
    assert full[-3:] == ("51.200", "1000", "4000")
    assert full[2] == full[6] == "–" and deep[2] == "-0.020 (-0.050 … 0.010)"
    assert deep[6] == "–", "what could not be measured is not a number"


def test_a_report_can_be_written_again_over_an_old_one(tmp_path: Path) -> None:
    write_report("shots", _shots(), tmp_path, "first")
    write_report("shots", _shots(), tmp_path, "second")
    assert "second" in (tmp_path / "report.md").read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.md", "shots.png"]


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match=r"preparing .* for a report"):
            prepare_report_folder(folder)
    assert (tmp_path / "file").read_text() == "mine"
    prepare_report_folder(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["file"], "trying leaves nothing behind"


def test_a_report_that_cannot_be_written_in_the_end_is_an_error_that_says_where(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(FamiliarError, match=re.escape(str(tmp_path))):
        write_report("retention", _retention(), tmp_path, COMMAND)


def test_reports_are_json(tmp_path: Path) -> None:
    for report in _reports(tmp_path).values():
        assert json.loads(json.dumps(report, allow_nan=False)) is not None
