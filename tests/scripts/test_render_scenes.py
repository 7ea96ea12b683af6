"""The shipped scenes are complete, small and consistent with their manifest, and their code still renders them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.render.render_scenes import MANIFEST, main
from scripts.render.scenes.catalogue import scenes
from scripts.render.scenes.kit.camera import Camera, flat_ground

SHIPPED = Path(__file__).resolve().parents[2] / "personalizer" / "data" / "scenes"
LIMIT = 3_000_000


def _manifest() -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads((SHIPPED / MANIFEST).read_text(encoding="utf-8"))
    return entries


def test_the_manifest_is_what_the_catalogue_says():
    assert _manifest() == json.loads(json.dumps([scene.facts() for scene in scenes()]))


def test_every_scene_has_a_file_and_every_file_a_scene():
    names = [str(entry["name"]) for entry in _manifest()]
    assert len(names) == len(set(names)) >= 24
    assert {path.name for path in SHIPPED.iterdir()} == {f"{name}.webp" for name in names} | {MANIFEST}
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= LIMIT
    for entry in _manifest():
        with Image.open(SHIPPED / str(entry["file"])) as picture:
            assert picture.size == (768, 768)


def test_facts_are_in_their_ranges():
    for entry in scenes():
        facts = entry.facts()
        x0, y0, x1, y1 = facts["ground"]
        assert 0 <= x0 < x1 <= 1 and facts["horizon"] < y0 < y1 <= 1, entry.name
        assert x0 < 0.45 and x1 > 0.55, entry.name
        assert facts["surface"] in ("ground", "table", "seat", "water")
        assert facts["light"] in ("day", "sunset", "night", "overcast", "lamp")
        assert np.hypot(*facts["sun"]) == pytest.approx(1, abs=0.01)
        assert np.mean(facts["light_color"]) == pytest.approx(1, abs=0.01)
        for key in ("shadow_strength", "shadow_softness", "ambient_level"):
            assert 0 < facts[key] <= 1, (entry.name, key)
        spans = [metres for _y, metres in facts["metres_per_height_at"]]
        assert spans == sorted(spans, reverse=True) and spans[-1] > 0.4, entry.name
        assert len(facts["words"]) == len(set(facts["words"])) >= 4


def test_each_place_has_words_in_three_languages():
    """The main words that the brief of montages names, as users write them."""
    words = {word.casefold() for entry in _manifest() for word in entry["words"]}
    for wanted in (
        "beach",
        "strand",
        "playa",
        "snow",
        "wald",
        "jardín",
        "sofa",
        "küche",
        "weihnachten",
        "luna",
        "desierto",
    ):
        assert wanted in words


def test_scale_is_that_of_the_camera():
    """A metre upright at a ground point spans as much of the picture as the manifest says."""
    camera = Camera(1.0, 0.4, 1.3)
    ground = flat_ground(camera, 64, [])
    row = 55
    depth = float(ground.z[row, 32])
    y = (row + 0.5) / 64
    foot, head = (camera.project(0, lift, depth, 1)[1] for lift in (0.0, 1.0))
    assert foot == pytest.approx(y, abs=1e-4)
    assert 1 / (foot - head) == pytest.approx(camera.metres_per_height(y), rel=1e-4)


@pytest.mark.parametrize("name", ["studio", "desert_day"])
def test_a_cheap_scene_renders_again_as_it_ships(name: str, tmp_path: Path):
    assert main(["--out", str(tmp_path), "--only", name, "--size", "96"]) == 0
    with Image.open(tmp_path / f"{name}.webp") as small, Image.open(SHIPPED / f"{name}.webp") as shipped:
        again = np.asarray(small.convert("RGB").resize((12, 12), Image.Resampling.BOX), float)
        reference = np.asarray(shipped.convert("RGB").resize((12, 12), Image.Resampling.BOX), float)
    assert np.abs(again - reference).mean() < 14
    assert np.corrcoef(again.ravel(), reference.ravel())[0, 1] > 0.9
