"""The mask of a photo's main thing, by the network that ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photos import draw_blocks, package_photo
from PIL import Image

from personalizer.analysis import embed, main_thing
from personalizer.analysis.analyzer import PhotoAnalyzer
from personalizer.analysis.main_thing import MainThing, MaskNetwork
from personalizer.errors import CorruptArtifactError
from personalizer.schemas import BoundingBox

CAT, COFFEE = "data/chelsea.png", "data/coffee.png"


@pytest.fixture(scope="module")
def masks() -> MaskNetwork:
    return MaskNetwork()


def photo(name: str) -> Image.Image:
    image = package_photo("skimage", name)
    image.thumbnail((400, 400))
    return image


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        # Shares of width and height: the cat's nose and the wall; the saucer and two corners of the table.
        (CAT, [(0.5, 0.6), (0.55, 0.3)], [(0.03, 0.1), (0.95, 0.05)]),
        (COFFEE, [(0.45, 0.5), (0.4, 0.9)], [(0.02, 0.05), (0.97, 0.95)]),
    ],
)
def test_the_mask_covers_the_thing_and_not_the_ground(
    masks: MaskNetwork, name: str, inside: list[tuple[float, float]], outside: list[tuple[float, float]]
) -> None:
    image = photo(name)
    thing = masks.find(image)
    assert thing is not None and thing.is_clear() and thing.parts == 1
    mask = thing.mask(image.size)
    assert mask.size == image.size and mask.mode == "L"

    def level(place: tuple[float, float]) -> float:
        found = mask.getpixel((int(place[0] * image.width), int(place[1] * image.height)))
        assert isinstance(found, int)
        return found

    assert all(level(place) > 200 for place in inside)
    assert all(level(place) < 50 for place in outside)
    covered = np.asarray(mask) >= 128
    columns, rows = np.flatnonzero(covered.any(axis=0)), np.flatnonzero(covered.any(axis=1))
    # The box is around the mask, in pixels of the picture, and not much larger.
    assert thing.box.left <= columns[0] + 2 and thing.box.right >= columns[-1] - 2
    assert thing.box.top <= rows[0] + 2 and thing.box.bottom >= rows[-1] - 2
    assert thing.box.width_px < 1.15 * (columns[-1] - columns[0] + 1)


def test_the_mask_does_not_depend_on_the_size_of_the_picture(masks: MaskNetwork) -> None:
    large = package_photo("skimage", COFFEE)
    small = large.resize((large.width // 2, large.height // 2))
    found = [masks.find(image) for image in (large, small)]
    assert found[0] is not None and found[1] is not None
    assert found[0].area == pytest.approx(found[1].area, abs=0.03)
    assert found[0].box.left == pytest.approx(2 * found[1].box.left, abs=12)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (320, 240), "gray"),
        Image.new("RGB", (320, 240), "white"),
        Image.new("RGB", (64, 64), "green"),
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)),
        draw_blocks(3),
    ],
)
def test_nothing_in_particular_has_no_clear_thing(masks: MaskNetwork, image: Image.Image) -> None:
    thing = masks.find(image)
    assert thing is None or not thing.is_clear()


def disc(center: tuple[int, int], radius: int) -> np.ndarray:
    rows, columns = np.mgrid[:320, :320]
    return ((columns - center[0]) ** 2 + (rows - center[1]) ** 2 <= radius**2).astype(np.float32)


def test_specks_are_left_out_and_large_parts_are_counted() -> None:
    two = main_thing.main_thing(np.maximum(disc((80, 160), 40), disc((240, 160), 38)), (640, 320))
    speck = main_thing.main_thing(np.maximum(disc((80, 160), 40), disc((300, 20), 4)), (640, 320))
    assert two is not None and speck is not None
    assert (two.parts, speck.parts) == (2, 1)
    assert speck.probability[20, 300] == 0 and speck.probability[160, 80] == 1
    # The picture is twice as wide as the map, and there is a margin.
    assert speck.box.left == pytest.approx(80, abs=10) and speck.box.right == pytest.approx(242, abs=10)
    assert two.box.right > 550


def test_no_mask_where_the_network_sees_nothing() -> None:
    assert main_thing.main_thing(np.full((320, 320), 0.3, dtype=np.float32), (10, 10)) is None
    assert main_thing.main_thing(np.zeros((320, 320), dtype=np.float32), (10, 10)) is None


@pytest.mark.parametrize(
    ("area", "on_frame", "doubtful", "clear"),
    [
        (0.3, 0.1, 0.1, True),
        (0.005, 0.1, 0.1, False),
        (0.8, 0.1, 0.1, False),
        (0.3, 0.4, 0.1, False),
        (0.3, 0.1, 0.4, False),
    ],
)
def test_when_a_mask_is_believed(area: float, on_frame: float, doubtful: float, clear: bool) -> None:
    thing = MainThing(disc((9, 9), 3), BoundingBox(0, 0, 1, 1), area, on_frame, 1, doubtful)
    assert thing.is_clear() is clear


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_networks_that_are_not_those_that_ship_are_refused(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "network.onnx"
    if damage == "changed":
        content = bytearray(main_thing.NETWORK_FILE.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    monkeypatch.setattr(main_thing, "NETWORK_FILE", path)
    with pytest.raises(CorruptArtifactError, match="mask network"):
        MaskNetwork().find(Image.new("RGB", (9, 9)))
    with pytest.raises(CorruptArtifactError):
        embed.read_network(path)


def test_beside_a_face_no_thing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the person."""
    from photos import ASTRONAUT

    image = package_photo(*ASTRONAUT)
    image.thumbnail((300, 300))
    analyzer = PhotoAnalyzer()
    seen = analyzer.analyze(image)
    assert [d.kind for d, _ in seen.detections].count("face") == 1 and seen.thing is None
    analyzer.looks_for_faces = False
    without = analyzer.analyze(image)
    assert not any(d.kind == "face" for d, _ in without.detections)
