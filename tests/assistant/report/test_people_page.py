"""The people page of real files and a real library, read by an HTML parser; and what becomes of it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import stat
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from commands import run_here
from PIL import Image, ImageDraw
from stored_photos import mark_missing, store_photo
from worlds import World

from assistant.forget.concept import request_forgetting
from assistant.forget.faces import request_erasing
from assistant.report.people_page import PageLimits, PeoplePage, write_people_page
from personalizer.errors import NotReadyError, UsageError
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.queue import JobQueue
from personalizer.library.concepts.overview import examples, named, overview
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection, Photo, Progress

RED, BLUE = (220, 30, 30), (30, 30, 220)
SIDE_PX = 60


@dataclass
class DrawnWorld(World):
    """A library of drawn photos, whose faces are squares of one colour on noise."""

    photos: Path
    taken: int = 0

    def photo(
        self,
        color: tuple[int, int, int],
        at: str | None = None,
        *,
        faces: int = 1,
        size: tuple[int, int] = (800, 600),
    ) -> tuple[Photo, list[int]]:
        """A photo with this many faces in a row, and the ids of these; of the whole picture without any."""
        self.taken += 1
        path = self.photos / f"secret-name-{self.taken}.jpg"
        rng = np.random.default_rng(self.taken)
        small = Image.fromarray(rng.integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8))
        picture = small.resize(size)
        draw = ImageDraw.Draw(picture)
        boxes = [
            BoundingBox(100 + 200 * n, 200, 100 + 200 * n + SIDE_PX, 200 + SIDE_PX) for n in range(faces)
        ]
        for box in boxes:
            draw.rectangle((box.left - 80, box.top - 80, box.right + 80, box.bottom + 80), fill=color)
        exif = Image.Exif()
        exif[0x010E] = "a secret description"
        picture.save(path, quality=90, exif=exif, comment=b"a secret comment")
        found = [("photo", BoundingBox(0, 0, *size)), *(("face", box) for box in boxes)]
        status = path.stat()
        photo = store_photo(
            self.library,
            content_hash=str(path),
            path=path,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            width_px=size[0],
            height_px=size[1],
            taken_at=None if at is None else datetime.fromisoformat(at),
            latitude=48.137154,
            longitude=11.576124,
            camera="Secretcam",
            detections=[
                (
                    NewDetection(kind, box, 0.9, "test"),  # type: ignore[arg-type]
                    Embedding(rng.random(128).astype("f4"), kind, "1"),
                )
                for kind, box in found
            ],
        )
        kind = "face" if faces else "photo"
        return photo, [one.id for one in self.library.detections(photo.id) if one.kind == kind]

    def person(self, name: str | None, members: Sequence[int], suggested: Sequence[int] = ()) -> int:
        return self.concept("face", name, members, suggested)

    def thing(self, name: str | None, members: Sequence[int]) -> int:
        return self.concept("object", name, members, ())

    def concept(self, kind: str, name: str | None, members: Sequence[int], suggested: Sequence[int]) -> int:
        made = self.library.create_concept(kind, name)  # type: ignore[arg-type]
        source = "cluster" if name is None else "user"
        self.library.add_members(made.id, members, source=source, status="confirmed")  # type: ignore[arg-type]
        self.library.add_members(made.id, suggested, source="cluster", status="suggested")
        return made.id

    def write(self, out: Path | None = None, **more: object) -> tuple[PeoplePage, Parsed]:
        page = write_people_page(self.library, self.home, out, **more)  # type: ignore[arg-type]
        return page, parsed(page.path)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DrawnWorld]:
    home = Home(tmp_path / "home").ensure()
    (tmp_path / "photos").mkdir()
    with Library.open(home.database) as library:
        yield DrawnWorld(home, library, tmp_path / "photos")


@dataclass
class Parsed(HTMLParser):
    """What a browser would find."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    """(innermost tag, text)"""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("meta", "link", "img"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open_tags[-1], data.strip()))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def inside(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    @property
    def words(self) -> str:
        return " ".join(text for tag, text in self.texts if tag != "style")

    def pictures(self) -> list[tuple[str, Image.Image]]:
        """(alternative text, picture)"""
        found = []
        for image in self.all("img"):
            kind, _, content = image["src"].partition(",")
            assert kind == "data:image/jpeg;base64"
            found.append((image["alt"], Image.open(io.BytesIO(base64.b64decode(content, validate=True)))))
        return found


def parsed(path: Path) -> Parsed:
    page = Parsed()
    page.feed(path.read_text("utf-8"))
    page.close()
    assert page.open_tags == [], "every tag is closed"
    return page


def middle(picture: Image.Image) -> tuple[int, ...]:
    pixel = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(pixel, tuple)
    return pixel


def near(found: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return max(abs(one - other) for one, other in zip(found, wanted, strict=True)) < 40


# --- what is on it


def test_a_suggestion_has_a_picture_and_both_commands(world: DrawnWorld) -> None:
    ann = [world.photo(RED)[1][0] for _ in range(2)]
    photo, maybe = world.photo(BLUE)
    world.person("Ann Lee", ann, maybe)
    _, shown = world.write()
    assert any(picture[0].startswith("A photo that may show Ann Lee") for picture in shown.pictures())
    for command in ("confirm", "reject"):
        assert f"familiar {command} 'Ann Lee' {photo.path.name}" in shown.inside("code")
    assert re.search(r"\b\d+ % sure", shown.words)


def test_no_suggested_face_is_shown_while_faces_are_off(world: DrawnWorld) -> None:
    world.person("Ann", [world.photo(RED)[1][0]], world.photo(RED)[1])
    world.library.switch_faces(False)
    _, shown = world.write()
    assert "Is this" not in shown.words


def test_named_ones_come_first_then_groups_then_what_was_put_aside(world: DrawnWorld) -> None:
    ann = [world.photo(RED, f"{year}-05-03T10:00:00")[1][0] for year in (2015, 2019, 2021)]
    maybe = world.photo(RED)[1]
    world.person("Ann", ann, maybe)
    cups = [world.photo(BLUE, faces=0)[1][0] for _ in range(3)]
    cup = world.thing("Cup", cups)
    world.library.set_state(cup, "stale")
    group = world.person(None, [world.photo(BLUE)[1][0] for _ in range(2)])
    hidden = world.person("Zed", world.photo(RED)[1])
    world.library.set_state(hidden, "hidden")
    world.photo(BLUE, faces=2)

    page, shown = world.write()
    titles = ["People", "Pets and things", "Is this right?", "Who is this?", "Put aside"]
    assert shown.inside("h2") == titles
    about = [text for tag, text in shown.texts if tag == "bdi"]
    assert about == ["Ann", "Cup", "Is this Ann?", f"Group {group}"]
    assert "Zed" not in page.path.read_text()
    for words in (
        "Who and what is in 11 photos, taken between May 2015 and May 2021.",
        "May 2015 – May 2021",
        "1 photo waits for your answer",
        "recognised by photos",
        "to be trained again",
        f"familiar name {group} NAME",
        "1 person hidden by you",
        "3 faces in no group",
        "does not update itself",
    ):
        assert words in shown.words, words
    made = shown.all("time")[-1]["datetime"]
    assert abs((datetime.now().astimezone() - datetime.fromisoformat(made)).total_seconds()) < 60
    assert (page.people, page.things, page.unnamed_people, page.unnamed_things) == (1, 1, 1, 0)
    assert (page.hidden, page.ungrouped_faces, page.waiting, page.photos) == (1, 3, 1, 11)
    assert page.pictures == 3 + 3 + 1 + 2 and page.bytes == page.path.stat().st_size


def test_the_pictures_show_the_faces_with_nothing_else_of_the_file(world: DrawnWorld) -> None:
    _, (left, right) = world.photo(RED, "2020-01-01T00:00:00", faces=2)
    people = {"Left": left, "Right": right}
    for name, face in people.items():
        world.person(name, [face, world.photo(RED, "2022-08-01T00:00:00", size=(4000, 3000))[1][0]])
    _, shown = world.write()
    pictures = shown.pictures()
    assert [alt for alt, _ in pictures] == [
        f"{name}, picture {number} of 2, {when}"
        for name in people
        for number, when in ((1, "January 2020"), (2, "August 2022"))
    ]
    for _, picture in pictures:
        assert picture.format == "JPEG" and picture.width == picture.height <= 320
        assert near(middle(picture), RED)
        assert not picture.getexif() and "comment" not in picture.info
    content = world.home.people_page.read_bytes()
    raw = b"".join(base64.b64decode(image["src"].partition(",")[2]) for image in shown.all("img"))
    for secret in (b"secret", b"Secretcam", b"48.13", b"11.57", str(world.photos).encode()):
        assert secret not in content and secret not in raw


def test_a_file_that_changed_or_went_is_not_shown(world: DrawnWorld) -> None:
    kept, changed, gone, broken = (world.photo(RED) for _ in range(4))
    world.person("Ann", [found[1][0] for found in (kept, changed, gone, broken)])
    Image.new("RGB", (800, 600), BLUE).save(changed[0].path)
    gone[0].path.unlink()
    status = broken[0].path.stat()
    broken[0].path.write_bytes(b"x" * status.st_size)
    os.utime(broken[0].path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    page, shown = world.write()
    assert page.pictures == 1 and near(middle(shown.pictures()[0][1]), RED)
    assert "4 photos" in shown.words


def test_the_chosen_photo_stands_for_it_and_the_others_are_spread_over_the_years(world: DrawnWorld) -> None:
    faces = [world.photo(RED, f"{2000 + number}-01-01T00:00:00")[1][0] for number in range(20)]
    chosen = world.photo(BLUE, "2010-06-01T00:00:00")[1][0]
    ann = world.person("Ann", [*faces, chosen])
    world.library.set_feature(ann, chosen)
    _, shown = world.write()
    pictures = shown.pictures()
    assert len(pictures) == PageLimits().named_pictures
    assert near(middle(pictures[0][1]), BLUE) and all(near(middle(p), RED) for _, p in pictures[1:])
    years = [int(alt[-4:]) for alt, _ in pictures[1:]]
    assert years == sorted(years) and years[0] <= 2002 and years[-1] >= 2017
    assert pictures[0][1].width > pictures[1][1].width


def test_of_a_burst_one_photo_is_an_example(world: DrawnWorld) -> None:
    shot = [world.photo(RED) for _ in range(3)]
    other = world.photo(RED)
    ann = world.person("Ann", [found[1][0] for found in (*shot, other)])
    for follower in shot[1:]:
        world.library.connection.execute(
            "INSERT INTO same_shots(photo_id, leader_id) VALUES (?, ?)", (follower[0].id, shot[0][0].id)
        )
    (one,) = [person for person in named(world.library, "face") if person.id == ann]
    paths = {candidates[0].path for candidates in examples(world.library, one, 9)}
    assert len(paths) == 2 and other[0].path in paths and one.photos == 4


NAMES = [
    "<script>alert(1)</script>",
    '"><img src=https://x.test/y onerror=alert(1)>',
    "A & B",
    "O'Hara",
    "إيمي",
    "Penny 🌼👩‍👧",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eevil",
]


def test_names_are_words_whatever_is_in_them(world: DrawnWorld) -> None:
    for name in NAMES:
        world.person(name, world.photo(RED)[1])
    _, shown = world.write()
    assert sorted(text for tag, text in shown.texts if tag == "bdi") == sorted(NAMES)
    assert {image["alt"] for image in shown.all("img")} == set(NAMES)
    content = world.home.people_page.read_text("utf-8")
    assert "<script" not in content and "<img src=https" not in content


def test_it_loads_nothing_and_is_accessible(world: DrawnWorld) -> None:
    for name in ("Ann", None):
        world.person(name, [world.photo(RED)[1][0] for _ in range(2)])
        world.thing(name and "Cup", [world.photo(RED, faces=0)[1][0] for _ in range(3)])
    _, shown = world.write()
    policy = {one.get("http-equiv"): one.get("content", "") for one in shown.all("meta")}[
        "Content-Security-Policy"
    ]
    (style,) = shown.inside("style")
    whole = world.home.people_page.read_text().partition("<style>")[2].partition("</style>")[0]
    digest = hashlib.sha256(whole.encode()).digest()
    assert f"style-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy and "img-src data:" in policy
    assert "url(" not in style and "@import" not in style and "unsafe" not in policy
    for word in ("prefers-color-scheme", "@media print", "auto-fill"):
        assert word in style
    allowed = {
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "header",
        "main",
        "section",
        "footer",
    }
    allowed |= {"h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "div", "img", "bdi", "code", "time"}
    assert {tag for tag, _ in shown.tags} <= allowed
    for tag, attributes in shown.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, name)
    assert all(image["alt"] for image in shown.all("img"))
    assert shown.all("html")[0]["lang"] == "en" and len(shown.all("h1")) == 1
    ids = [attributes["id"] for _, attributes in shown.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {one["aria-labelledby"] for one in shown.all("section")} == set(ids)


def test_the_colours_of_words_stand_out_from_what_is_behind_them() -> None:
    """As WCAG's level AA counts it, in both schemes."""
    from assistant.report import people_page

    style = (Path(people_page.__file__).parent / "pages" / "people.css").read_text()
    light, dark = style.split("prefers-color-scheme: dark")[:2]

    def colors(part: str) -> dict[str, str]:
        lines = [line.strip().rstrip(";") for line in part.partition("* {")[0].splitlines()]
        return {
            name[2:]: value.strip()
            for name, _, value in (line.partition(":") for line in lines)
            if name.startswith("--") and value.strip().startswith("#")
        }

    def luminance(color: str) -> float:
        parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for scheme in (colors(light), colors(dark)):
        pairs = [(ink, ground) for ink in ("ink", "soft") for ground in ("paper", "card", "fill")]
        for ink, ground in [*pairs, ("good", "good-fill"), ("warn", "warn-fill")]:
            high, low = sorted((luminance(scheme[ink]), luminance(scheme[ground])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_without_anything_it_says_how_to_begin(world: DrawnWorld) -> None:
    page, shown = world.write()
    assert "familiar add FOLDER" in shown.words and page.pictures == 0


def test_while_faces_are_off_no_face_is_shown(world: DrawnWorld) -> None:
    world.person("Ann", [world.photo(RED)[1][0] for _ in range(2)])
    world.person(None, [world.photo(RED)[1][0] for _ in range(2)])
    world.thing("Cup", world.photo(BLUE, faces=0)[1])
    world.library.switch_faces(False)
    page, shown = world.write()
    assert [alt for alt, _ in shown.pictures()] == ["Cup"]
    assert not page.faces_on and page.pictures == 1
    assert "Ann" in shown.inside("bdi") and "Who is this?" not in shown.inside("h2")
    assert "switched off" in shown.words and "1 group of faces without a name" in shown.words


# --- how large it is, and where


def test_it_stays_small(world: DrawnWorld) -> None:
    for number in range(6):
        world.person(f"Person {number}", [world.photo(RED)[1][0] for _ in range(4)])
    for _ in range(5):
        world.person(None, [world.photo(RED)[1][0] for _ in range(2)])
    page, shown = world.write(limits=PageLimits(named_pictures=3, unnamed_groups=2))
    assert page.pictures == 6 * 3 + 2 * 2
    assert "And 3 smaller groups" in shown.words and page.unnamed_people == 5
    page, shown = world.write(limits=PageLimits(pictures=8, unnamed_groups=2))
    counted = Counter(alt.partition(",")[0] for alt, _ in shown.pictures())
    assert page.pictures == 8 and set(counted.values()) == {1}, "each one has its share"
    with pytest.raises(ValueError, match="pictures"):
        PageLimits(pictures=0)


def test_its_pictures_take_no_more_than_they_may(world: DrawnWorld) -> None:
    for number in range(8):
        world.thing(f"Thing {number}", [world.photo(RED, faces=0)[1][0] for _ in range(3)])
    whole, _ = world.write()
    half, shown = world.write(limits=PageLimits(mib=whole.bytes / 2 / 2**20))
    assert 8 < half.pictures < whole.pictures == 24 and half.bytes < 0.75 * whole.bytes
    assert "without pictures" in shown.words
    assert "Thing 7" in shown.inside("bdi"), "listed all the same"


def test_it_is_never_in_memory_as_a_whole(world: DrawnWorld) -> None:
    photos = [world.photo(RED, faces=0)[1][0] for _ in range(3)]
    for number in range(150):
        world.thing(f"Thing {number}", photos)
    world.write()
    tracemalloc.start()
    page = write_people_page(world.library, world.home)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert page.pictures == 450 and page.bytes > 4 * 2**20
    assert peak < page.bytes / 3


def test_it_is_private_and_replaces_an_earlier_one_in_one_step(world: DrawnWorld, tmp_path: Path) -> None:
    world.person("Ann", world.photo(RED)[1])
    for out in (None, tmp_path / "page.html"):
        page, _ = world.write(out)
        assert stat.S_IMODE(page.path.stat().st_mode) == 0o600
        assert page.in_home == (out is None)
        before = page.path.read_bytes()

        def full(progress: Progress) -> None:
            raise OSError(28, "No space left on device")

        with pytest.raises(Exception, match="No space left"):
            world.write(out, on_progress=full)
        assert page.path.read_bytes() == before
        world.write(out)
    assert {path.name for path in world.home.root.iterdir() if path.is_file()} <= {
        "people.html",
        *(f"library.sqlite3{end}" for end in ("", "-wal", "-shm")),
    }


def test_what_is_no_page_is_not_replaced(world: DrawnWorld, tmp_path: Path) -> None:
    other = tmp_path / "novel.html"
    other.write_text("<!doctype html><p>years of work")
    link = tmp_path / "link.html"
    link.symlink_to(other)
    for place in (other, link, tmp_path, tmp_path / "no" / "folder.html", world.home.database):
        with pytest.raises(UsageError):
            world.write(place)
    assert other.read_text().endswith("years of work")
    database = world.home.database.read_bytes()
    for place in (world.home.database, world.home.concepts / "page.html", tmp_path):
        with pytest.raises(UsageError):
            world.write(place, force=True)
    assert world.home.database.read_bytes() == database
    world.write(link, force=True)
    assert other.read_text().endswith("years of work"), "the link is replaced, not what it leads to"
    world.write(other, force=True)
    assert "A people page" in other.read_text()


# --- forgetting


def test_forgetting_anybody_removes_the_pages_in_the_home(world: DrawnWorld, tmp_path: Path) -> None:
    world.person("Ann", [world.photo(RED)[1][0] for _ in range(2)])
    group = world.person(None, [world.photo(BLUE)[1][0] for _ in range(2)])
    world.write()
    world.write(world.home.root / "second.html")
    # What a program that was killed leaves behind.
    cut = world.home.root / ".people.html.1.tmp"
    cut.write_bytes(world.home.people_page.read_bytes()[:4000])
    world.write(tmp_path / "elsewhere.html")
    assert len(list(world.home.root.glob("*.html"))) == 2
    queue = JobQueue(world.library)
    request_forgetting(queue, group)
    world.work("forget")
    assert world.queue.list("failed") == []
    done = queue.list("done")[-1].result
    assert done is not None and done["removed"]["people_pages"] == 3
    assert not list(world.home.root.glob("*.html")) and not cut.exists()
    assert (tmp_path / "elsewhere.html").exists()
    page, shown = world.write()
    assert page.unnamed_people == 0 and "Ann" in shown.inside("bdi")


def test_erasing_faces_removes_the_pages(world: DrawnWorld) -> None:
    world.person("Ann", world.photo(RED)[1])
    world.thing("Cup", world.photo(RED, faces=0)[1])
    world.write()
    request_erasing(JobQueue(world.library))
    world.work(JobKind.ERASE_FACES)
    assert world.queue.list("failed") == []
    assert not world.home.people_page.exists()
    page, _ = world.write()
    assert (page.people, page.things, page.ungrouped_faces) == (0, 1, 0)
    assert "Ann" not in world.home.people_page.read_text()


@pytest.mark.parametrize("finished", [True, False])
def test_nobody_who_is_forgotten_while_it_is_made_stays_on_it(world: DrawnWorld, finished: bool) -> None:
    ann = world.person("Ann", world.photo(RED)[1])
    world.person("Bob", world.photo(RED)[1])

    def forgets(progress: Progress) -> None:
        # Ann's card is written when Bob's begins.
        if progress.done == 1:
            if finished:
                request_forgetting(JobQueue(world.library), ann)
                world.work("forget")
                assert world.queue.list("failed") == []
            else:
                world.library.begin_forgetting(ann)

    with pytest.raises(NotReadyError, match="forgotten"):
        world.write(on_progress=forgets)
    assert [path for path in world.home.root.iterdir() if b"Ann" in path.name.encode()] == []
    assert not world.home.people_page.exists()
    assert not any(b"<bdi>Ann" in path.read_bytes() for path in world.home.root.iterdir() if path.is_file())


# --- as people call it


def test_the_command(world: DrawnWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.person("Ann", world.photo(RED)[1])
    world.library.close()
    out = tmp_path / "here.html"
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> str:
        done = run_here(world.home.root, *arguments)
        assert done.returncode == code, done.stderr
        return done.stdout

    found = json.loads(run("--json", "report", "--out", "here.html"))
    assert found["path"] == str(out) and found["people"] == 1 and found["pictures"] == 1
    assert "forgetting somebody will not remove it" in run("report", "--out", "here.html")
    assert "1 person" in run("report") and world.home.people_page.exists()
    out.write_text("something else")
    assert "--force" in json.loads(run("--json", "report", "--out", "here.html", code=2))["error"]["fix"]
    run("--quiet", "report", "--out", "here.html", "--force")
    assert parsed(out).all("img")


def test_the_numbers_are_those_of_the_library(world: DrawnWorld) -> None:
    assert overview(world.library).photos == 0 and overview(world.library).first is None
    photo, faces = world.photo(RED, "2020-02-02T02:02:02", faces=3)
    world.person("Ann", faces[:1])
    mark_missing(world.library, [world.photo(RED)[0].path])
    numbers = overview(world.library)
    assert (numbers.photos, numbers.ungrouped_faces) == (1, 3), "a file that is away keeps its faces"
    assert numbers.first == numbers.last == photo.taken_at.date()  # type: ignore[union-attr]
