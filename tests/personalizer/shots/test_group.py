"""Copies, crops and bursts of one shot are found, different photos are not, in any order of arrival."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import raw_files
from PIL import Image, ImageEnhance
from stored_photos import store_photo

from personalizer.home import PACKAGE_DATA
from personalizer.library.library import Library
from personalizer.photos.decode import load_photo
from personalizer.photos.perceptual_hash import (
    AlikeSettings,
    Fingerprint,
    Pictures,
    PictureSearch,
    fingerprint,
)
from personalizer.scan.full_scan import scan
from personalizer.shots import group
from personalizer.shots.group import add_missing_fingerprints, group_shots

SAMPLES = sorted((PACKAGE_DATA / "sample_library").rglob("*.jpg"))
TAKEN = datetime(2024, 5, 1, 12, 0, 0)


def record(
    library: Library,
    name: str,
    made: Fingerprint | None,
    size: tuple[int, int] = (400, 300),
    at: datetime | None = None,
    camera: str | None = None,
) -> int:
    return store_photo(
        library,
        content_hash=name,
        path=Path(f"/photos/{name}"),
        width_px=size[0],
        height_px=size[1],
        taken_at=at,
        camera=camera,
        fingerprint=made,
    ).id


def recompressed(image: Image.Image, quality: int = 40) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def cropped(image: Image.Image, share: float = 0.02) -> Image.Image:
    x, y = round(image.width * share), round(image.height * share)
    return image.crop((x, y, image.width, image.height))


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": recompressed,
    "a third of the size": lambda image: image.resize((image.width // 3, image.height // 3)),
    "cropped a little": cropped,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "harder": lambda image: ImageEnhance.Contrast(image).enhance(1.2),
}


def pictures(images: list[Image.Image]) -> Pictures:
    made = [fingerprint(image) for image in images]
    return Pictures(
        np.array([one.bits for one in made], np.uint64),
        np.stack([np.frombuffer(one.tones, np.uint8) for one in made]),
        np.array([image.width / image.height for image in images], np.float32),
    )


def test_variants_of_the_sample_photos_are_found_and_no_two_photos_are_joined() -> None:
    originals = [load_photo(path).image for path in SAMPLES]
    count = len(originals)
    for name, change in VARIANTS.items():
        search = PictureSearch(pictures([*originals, *map(change, originals)]))
        pairs = search.pairs(np.arange(2 * count))
        found = {min(one, other) for one, other in pairs.tolist() if abs(one - other) == count}
        assert len(found) >= 0.97 * count, name
        assert not [pair for pair in pairs.tolist() if (pair[0] - pair[1]) % count], name


def test_plain_surfaces_are_not_taken_for_copies_of_each_other() -> None:
    random = np.random.default_rng(0)
    plain = [
        Image.fromarray((level + random.normal(0, 6, (120, 160, 3))).clip(0, 255).astype(np.uint8))
        for level in (20, 120, 121, 122, 240)
    ]
    ramp = np.linspace(0, 1, 120)[:, None, None] * np.ones((120, 160, 3))
    skies = [
        Image.fromarray((base + span * ramp).astype(np.uint8))
        for base, span in (((90, 140, 220), 30), ((150, 160, 170), 30), ((240, 150, 90), -30))
    ]
    search = PictureSearch(pictures([*plain, *skies]))
    assert len(search.pairs(np.arange(8))) == 0


def random_pictures(count: int, seed: int = 0) -> Pictures:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 12, 1), np.uint8)
    tones = (coarse.repeat(16, axis=1).reshape(count, 192) + random.normal(0, 20, (count, 192))).clip(0, 255)
    return Pictures(
        random.integers(0, 2**63, count, dtype=np.uint64),
        tones.astype(np.uint8),
        random.choice([0.75, 1.33, 1.5], count).astype(np.float32),
    )


def planted(count: int, copies: int) -> tuple[Pictures, set[tuple[int, int]]]:
    """Random pictures, of which the last ones are copies of the first with up to 12 other signs."""
    random = np.random.default_rng(1)
    base = random_pictures(count)
    for copy in range(copies):
        bits = int(base.bits[copy])
        for place in random.choice(64, int(random.integers(0, 13)), replace=False):
            bits ^= 1 << int(place)
        base.bits[count - 1 - copy] = bits
        base.tones[count - 1 - copy] = (base.tones[copy] * 0.9 + random.normal(0, 3, 192)).clip(0, 255)
        base.aspect[count - 1 - copy] = base.aspect[copy]
    return base, {(copy, count - 1 - copy) for copy in range(copies)}


def test_the_search_is_exact_all_at_once_and_for_a_few_rows() -> None:
    made, expected = planted(3000, 200)
    search = PictureSearch(made)
    everything = {tuple(sorted(pair)) for pair in search.pairs(np.arange(3000)).tolist()}
    assert everything == expected
    few = np.array([0, 5, 2999, 1500])
    assert {tuple(sorted(pair)) for pair in search.pairs(few).tolist()} == {(0, 2999), (5, 2994)}
    # Against comparing each with each by the same rule.
    settings = AlikeSettings()
    distance = np.bitwise_count(made.bits[:, None] ^ made.bits[None])
    close = {
        (int(a), int(b)) for a, b in zip(*np.nonzero(distance <= settings.max_bits), strict=True) if a < b
    }
    assert everything <= close


@pytest.mark.slow
def test_a_hundred_thousand_photos_take_seconds_and_a_new_one_milliseconds() -> None:
    made, expected = planted(100_000, 500)
    started = time.process_time()
    search = PictureSearch(made)
    found = {tuple(sorted(pair)) for pair in search.pairs(np.arange(100_000)).tolist()}
    assert expected <= found
    assert time.process_time() - started < 60
    started = time.process_time()
    search.pairs(np.arange(5))
    assert time.process_time() - started < 0.2


def leaders(library: Library) -> dict[int, int]:
    """For every photo that another one stands for, that other one."""
    return {one.photo_id: one.leader_id for one in library.followers()}


def shots(library: Library) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for photo, leader in leaders(library).items():
        groups.setdefault(leader, [leader]).append(photo)
    return sorted(sorted(group) for group in groups.values())


def test_the_largest_leads(library: Library) -> None:
    image, other = (load_photo(path).image for path in SAMPLES[:2])
    small = record(library, "small.jpg", fingerprint(VARIANTS["a third of the size"](image)), (133, 100))
    large = record(library, "large.jpg", fingerprint(image), (400, 300))
    middle = record(library, "middle.jpg", fingerprint(recompressed(image)), (200, 150))
    record(library, "alone.jpg", fingerprint(other))
    report = group_shots(library)
    assert (report.compared, report.shots, report.duplicates) == (4, 1, 2)
    assert leaders(library) == {small: large, middle: large}
    assert group_shots(library).compared == 0


def test_one_by_one_in_any_order_gives_what_all_together_give(tmp_path: Path) -> None:
    """A pan: each picture is like the next ones, and the first and the last are unlike."""
    wide = load_photo(SAMPLES[3]).image.resize((600, 300))
    steps = [wide.crop((7 * n, 0, 400 + 7 * n, 300)) for n in range(24)]
    sizes = [(400 + 4 * (n * 7 % 24), 300 + 3 * (n * 7 % 24)) for n in range(24)]
    found = []
    for order in (range(24), range(23, -1, -1), np.random.default_rng(2).permutation(24).tolist(), None):
        with Library.open(tmp_path / f"{len(found)}.sqlite3") as library:
            number_of: dict[int, int] = {}
            for number in order if order is not None else range(24):
                photo_id = record(library, f"{number}.jpg", fingerprint(steps[number]), sizes[number])
                number_of[photo_id] = number
                if order is not None:
                    group_shots(library)
            group_shots(library)
            found.append(sorted(sorted(number_of[one] for one in shot) for shot in shots(library)))
    assert all(groups == found[0] for groups in found)
    assert len(found[0]) >= 2 and max(map(len, found[0])) < 24


def test_a_few_photos_are_compared_as_all_of_the_library_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With copies, bursts of two cameras, RAW files and photos without a fingerprint, in a random order."""
    random = np.random.default_rng(4)
    images = [load_photo(path).image for path in SAMPLES[:6]]
    photos = []
    for number in range(60):
        image = cropped(images[number % 6], float(random.uniform(0.0, 0.12)))
        at = TAKEN + timedelta(seconds=float(random.integers(0, 40)) * 0.75)
        suffix = (".jpg", ".CR2", ".jpg", ".nef")[number % 4]
        name = f"IMG_{number // 2}{suffix}" if number % 3 else f"{number}{suffix}"
        side = int(random.integers(200, 800))
        made = None if number % 11 == 5 else fingerprint(image)
        photos.append((name, made, (side, side * 3 // 4), at, random.choice(["A", "B"])))
    found = []
    for few, one_by_one in ((256, True), (256, False), (0, True), (0, False)):
        monkeypatch.setattr(group, "_FEW", few)
        with Library.open(tmp_path / f"{len(found)}.sqlite3") as library:
            for name, made, size, at, camera in photos:
                record(library, name, made, size, at=at, camera=str(camera))
                if one_by_one:
                    group_shots(library)
            group_shots(library)
            found.append(leaders(library))
    assert all(groups == found[0] for groups in found) and len(found[0]) > 10


def test_a_burst_is_one_shot_where_time_and_camera_say_so(library: Library) -> None:
    image = load_photo(SAMPLES[5]).image
    for share in np.arange(0.06, 0.2, 0.01):
        moved = cropped(image, float(share))
        if len(PictureSearch(pictures([image, moved])).pairs(np.arange(2))) == 0:
            break  # such a crop alone is no copy
    frames = [fingerprint(image), fingerprint(moved)]
    for number, (seconds, camera) in enumerate([(0, "A"), (1, "A"), (1, "B"), (30, "A")]):
        record(
            library,
            f"{number}.jpg",
            frames[number % 2],
            at=TAKEN + timedelta(seconds=seconds),
            camera=camera,
        )
    group_shots(library)
    # Photos 1 and 3, and 2 and 4, are equal pictures; of the others only 1 and 2 were taken in one burst. Since 2 does
    # not lead, 4 stays alone.
    assert leaders(library) == {2: 1, 3: 1}


def test_a_raw_file_belongs_to_the_jpeg_beside_it(library: Library) -> None:
    image, other = (load_photo(path).image for path in SAMPLES[:2])
    raw = record(library, "IMG_1.CR2", fingerprint(image), (6000, 4000), TAKEN)
    shown = record(library, "IMG_1.JPG", fingerprint(recompressed(image)), (3000, 2000), TAKEN)
    reduced = record(library, "for the web.jpg", fingerprint(recompressed(image, 60)), (600, 400))
    # The same name by chance: another day, or another picture.
    later = record(library, "IMG_2.CR2", None, (6000, 4000), TAKEN)
    record(library, "IMG_2.jpg", None, (600, 400), TAKEN + timedelta(days=900))
    unlike = record(
        library, "IMG_3.nef", fingerprint(image.transpose(Image.Transpose.ROTATE_180)), (6000, 4001)
    )
    record(library, "IMG_3.jpg", fingerprint(other))
    # Not analysed into a fingerprint: the names alone say it.
    blind = record(library, "IMG_4.dng", None, (6000, 4000))
    beside = record(library, "img_4.jpg", None)
    group_shots(library)
    found = leaders(library)
    assert found == {raw: shown, reduced: shown, blind: beside}
    assert later not in found and unlike not in found
    # The JPEG goes elsewhere: still one shot by its picture, and the other pair is none any more.
    library.move_file(Path("/photos/img_4.jpg"), Path("/elsewhere/x.jpg"), size=1, mtime_ns=1)
    library.move_file(Path("/photos/IMG_1.JPG"), Path("/elsewhere/IMG_1.JPG"), size=1, mtime_ns=1)
    group_shots(library)
    assert leaders(library) == {raw: shown, reduced: shown}


def test_scanned_raw_and_jpeg_pairs_and_copies_are_grouped(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    image = load_photo(SAMPLES[0]).image.resize((900, 600))
    (folder / "DSC1.DNG").write_bytes(raw_files.dng(raw_files.jpeg(image), (900, 600)))
    image.resize((450, 300)).save(folder / "DSC1.JPG", quality=85)
    image.save(folder / "copy.webp", quality=60)
    load_photo(SAMPLES[1]).image.save(folder / "other.jpg")
    report = scan(library, [folder])
    assert (report.new, report.failed) == (4, [])
    assert group_shots(library).duplicates == 2
    copy = library.photo_by_path(folder / "copy.webp")
    assert copy is not None
    names = {library.photo(follower).path.name for follower in leaders(library)}
    assert names == {"DSC1.DNG", "DSC1.JPG"} and set(leaders(library).values()) == {copy.id}


def test_photos_of_an_earlier_version_get_their_fingerprint_unless_they_had_to_forget(
    library: Library, tmp_path: Path
) -> None:
    ids = []
    for number, path in enumerate([SAMPLES[0], SAMPLES[1], SAMPLES[2]]):
        copy = tmp_path / f"{number}.jpg"
        copy.write_bytes(path.read_bytes())
        ids.append(
            store_photo(library, content_hash=hashlib.sha256(copy.read_bytes()).hexdigest(), path=copy).id
        )
    (tmp_path / "1.jpg").write_bytes(b"something else now")
    library.mark_forgotten([ids[2]])
    assert add_missing_fingerprints(library) == 1
    assert library.pictures()[0].tolist() == [ids[0]]
    library.mark_forgotten([ids[0]])
    assert library.pictures()[0].tolist() == [] and add_missing_fingerprints(library) == 0
