"""Folder in, answers and pictures out, through the real command, worker, stores and runtimes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.mark.slow
def test_scan_learn_describe_imagine(command: Any, photos: Path, tmp_path: Path) -> None:
    first = command.json("add", str(photos))
    assert (first["seen"], first["new"], first["failed"]) == (24, 24, [])
    again = command.json("scan")
    assert (again["seen"], again["new"], again["changed"]) == (24, 0, 0)
    status = command.json("status")
    assert status["photos"] == 24
    assert status["detections"] >= 48

    shots = [str(photos / f"striped-{number}.jpg") for number in range(3)]
    trained = command.json("learn", "Bo", *shots)
    assert trained["concept"] == "Bo"
    assert {"steps", "elapsed_s", "trained_values", "bytes", "peak_rss_mib", "recognition_augmented"} <= set(
        trained
    )
    listed = {concept["name"]: concept for concept in command.json("concepts")}
    assert listed["Bo"]["state"] == "ready"
    assert listed["Bo"]["members"] >= 3, "the three that were given"
    assert listed["Bo"]["members"] + listed["Bo"]["suggested"] >= 8, (
        "the other five are found, or asked about"
    )

    positive = command.json("describe", str(photos / "striped-6.jpg"), "--ask", "Is this Bo?")
    negative = command.json("describe", str(photos / "other-4.jpg"), "--ask", "Is this Bo?")
    assert {"photo", "answer", "concepts", "facts", "elapsed_s"} <= set(positive)
    bo, not_bo = positive["concepts"][0], negative["concepts"][0]
    assert bo["name"] == not_bo["name"] == "Bo"
    assert bo["probability"] > not_bo["probability"]
    assert any("embedding" in reason for reason in bo["evidence"])
    assert any("prefix" in reason for reason in bo["evidence"])
    unknown = command.json("describe", str(photos / "other-4.jpg"), "--ask", "Is this Rex?")
    assert "don't know" in unknown["answer"]

    drawn = command.json(
        "imagine", "a photo of bo on a beach", "--seed", "7", "--count", "2", "--out", str(tmp_path)
    )
    assert drawn["concepts"] == ["Bo"]
    assert drawn["seed"] == 7
    for path, seed in zip(drawn["paths"], ("7", "8"), strict=True):
        about = Image.open(path).text
        assert about["prompt"] == "a photo of bo on a beach"
        assert about["seed"] == seed
        assert about["concept"] == "Bo"
        assert about["backbone"] == drawn["backbone"]
    again_drawn = command.json(
        "imagine", "a photo of bo on a beach", "--seed", "8", "--out", str(tmp_path / "x.png")
    )
    assert Path(again_drawn["paths"][0]).read_bytes() == Path(drawn["paths"][1]).read_bytes()
    nameless = command.json("imagine", "a photo of Zorro", "--out", str(tmp_path / "z.png"))
    assert nameless["concepts"] == []
    assert nameless["notes"]

    _serves_without_torch(command, photos / "striped-6.jpg", tmp_path)


def _serves_without_torch(command: Any, photo: Path, out: Path) -> None:
    """Describing and drawing work in a process in which torch and transformers cannot be imported."""
    code = f"""
import sys
for name in ("torch", "transformers"):
    sys.modules[name] = None
from tui.entry import app
from assistant.cli.app import run_app
base = ["--home", {str(command.home)!r}, "--backbone", {str(command.backbone)!r}, "--json"]
assert run_app(app, [*base, "describe", {str(photo)!r}]) == 0
assert run_app(app, [*base, "imagine", "a photo of Bo", "--out", {str(out / "no-torch.png")!r}]) == 0
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (out / "no-torch.png").exists()


def test_describing_in_an_empty_library_says_that_it_does_not_know(command: Any, photos: Path) -> None:
    description = command.json("describe", str(photos / "other-1.jpg"))
    assert "I don't recognise anyone or anything here." in description["answer"]
    assert description["concepts"] == []
    assert description["facts"]["in_library"] is False


def test_unreadable_photos_are_refused_with_the_reason(command: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    done = command.run("--json", "describe", str(broken))
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["found"]
