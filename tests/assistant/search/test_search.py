"""Searches in a library: which photos, why, and what is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from stored_photos import store_photo

from assistant.search.search import Searcher
from personalizer.errors import UsageError
from personalizer.library.library import Library
from personalizer.library.photos.texts import PlaceNames
from personalizer.schemas import BoundingBox, Embedding, NewDetection, PhotoLabel

NOW = datetime(2026, 11, 30, 12)
LISBON = PlaceNames("Lisbon", "Lisbon", "Portugal", "near Lisbon, Portugal")
SYDNEY = PlaceNames("Sydney", "New South Wales", "Australia", "near Sydney, Australia")


class SmallLibrary:
    """Photos by their file names."""

    def __init__(self, library: Library, root: Path) -> None:
        self.library = library
        self.root = library.add_root(root)
        self.concepts: dict[str, int] = {}

    def add(
        self,
        name: str,
        *people: str,
        strangers: int = 0,
        place: PlaceNames | None = None,
        labels: dict[str, float] | None = None,
        lettering: str = "",
        **known: Any,
    ) -> int:
        import numpy as np

        vector = np.ones(2, dtype=np.float32)
        whole = (NewDetection("photo", BoundingBox(0, 0, 9, 9), 1.0, "t"), Embedding(vector, "o", "1"))
        faces = [
            (NewDetection("face", BoundingBox(n, 0, n + 1, 1), 1.0, "t"), Embedding(vector, "f", "1"))
            for n in range(len([one for one in people if one != "Bo"]) + strangers)
        ]
        taken = known.pop("taken", None)
        photo = store_photo(
            self.library,
            content_hash=name,
            path=self.root / name,
            detections=[whole, *faces],
            taken_at=None if taken is None else datetime.fromisoformat(taken),
            labels=[
                PhotoLabel(word, confidence, "animal" if word in {"dog", "owl"} else "scene")
                for word, confidence in (labels or {}).items()
            ],
            **known,
        )
        found = self.library.detections(photo.id)
        free = [one.id for one in found if one.kind == "face"]
        for person in people:
            self.say(
                person, next(one.id for one in found if one.kind == "photo") if person == "Bo" else free.pop()
            )
        if place is not None:
            self.library.store_place_names({photo.id: place})
        self.library.store_lettering(photo.id, lettering)
        return photo.id

    def say(self, name: str, detection: int, status: Any = "confirmed") -> None:
        if name not in self.concepts:
            kind: Any = "object" if name == "Bo" else "face"
            self.concepts[name] = self.library.create_concept(kind, name).id
        self.library.add_members(self.concepts[name], [detection], source="cluster", status=status)

    def find(self, text: str) -> list[str]:
        """Names of the files that fit, in order."""
        return [photo.path.name for photo in Searcher(self.library).find(text, now=NOW).photos]

    def answer(self, text: str) -> str:
        return Searcher(self.library).find(text, now=NOW).answer

    def why(self, text: str) -> list[str]:
        (photo,) = Searcher(self.library).find(text, now=NOW).photos
        return photo.why


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallLibrary]:
    with Library.open(tmp_path / "library.sqlite") as library:
        made = SmallLibrary(library, tmp_path / "Pictures")
        made.add("beach.jpg", "Bo", taken="2026-07-01T10:00:00", place=LISBON, labels={"beach": 0.95})
        made.add("both.jpg", "Bo", "Amy", taken="2026-07-02T18:00:00", place=LISBON)
        made.add(
            "amy.jpg", "Amy", taken="2019-12-24T20:00:00", place=SYDNEY, texts={"title": "Surfing lesson"}
        )
        made.add(
            "strangers.jpg", strangers=3, taken="2019-01-01T00:00:00", labels={"beach": 0.95, "owl": 0.99}
        )
        made.add("Ski trip/snow.jpg", "Rex", taken="2020-02-01T09:00:00", texts={"keywords": "Alps, powder"})
        made.add("Ski trip/IMG_0042.jpg", labels={"dog": 0.5}, camera="Canon EOS R6")
        made.add("sign.jpg", lettering="Café Central", taken="2026-02-03T11:00:00", labels={"dog": 0.93})
        yield made


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("photos of Bo", ["both.jpg", "beach.jpg"]),
        ("Bo and Amy", ["both.jpg"]),
        ("Bo without Amy", ["beach.jpg"]),
        ("Amy or Rex", ["both.jpg", "snow.jpg", "amy.jpg"]),
        ("Amy alone", ["amy.jpg"]),
        ("Bo alone", ["beach.jpg"]),
        ("three people", ["strangers.jpg"]),
        ("2019", ["amy.jpg", "strangers.jpg"]),
        ("last summer", ["both.jpg", "beach.jpg"]),
        ("in the evening", ["both.jpg", "amy.jpg"]),
        ("Lisbon", ["both.jpg", "beach.jpg"]),
        ("in Portugal or Australia", ["both.jpg", "beach.jpg", "amy.jpg"]),
        ("australia at christmas", ["amy.jpg"]),
        ("surfing", ["amy.jpg"]),
        ("surfing lessons", ["amy.jpg"]),
        ("powder", ["snow.jpg"]),
        ("ski trip", ["snow.jpg", "IMG_0042.jpg"]),
        ("ski trips 2020", ["snow.jpg"]),
        ("IMG_0042", ["IMG_0042.jpg"]),
        ("taken with my canon", ["IMG_0042.jpg"]),
        ("text cafe central", ["sign.jpg"]),
        ("dogs", ["sign.jpg"]),
        ("when did I last see Bo?", ["both.jpg", "beach.jpg"]),
        ("the first photo of Amy", ["amy.jpg", "both.jpg"]),
        ("all photos", [
            "both.jpg", "beach.jpg", "sign.jpg", "snow.jpg", "amy.jpg", "strangers.jpg", "IMG_0042.jpg",
        ]),
    ],
)  # fmt: skip
def test_which_photos(small: SmallLibrary, text: str, files: list[str]) -> None:
    assert small.find(text) == files


def test_a_photo_says_why(small: SmallLibrary) -> None:
    assert small.why("Bo on a beach in Portugal last summer") == [
        "Bo is in it", "looks like a beach (95 %)", "taken near Lisbon, Portugal",
    ]  # fmt: skip
    assert small.why("powder") == ["has the keywords “Alps, powder”"]
    assert small.why("three people") == ["3 faces in it"]
    assert small.why("Bo without Amy") == ["Bo is in it", "I don't see Amy"]


def test_what_is_less_sure_beside_faces_is_not_found(small: SmallLibrary) -> None:
    """A beach at 95 % counts where nobody is, and not beside three faces; an owl beside faces never does."""
    assert small.find("beach") == ["beach.jpg"]
    assert small.find("owls") == []


def test_answers_are_facts(small: SmallLibrary) -> None:
    assert small.answer("photos of Bo") == (
        "I found 2 photos of Bo, taken between 1 July 2026 and 2 July 2026."
    )
    assert small.answer("how many of Amy in 2019?").startswith("I know 1 photo of Amy from 1 January 2019")
    assert small.answer("when did I last see Bo?") == (
        "The newest photo of Bo that I know was taken on 2 July 2026 at 18:00, near Lisbon, Portugal."
    )
    assert small.answer("Rex in 2026") == (
        "I found no photo for all of it: 1 photo of Rex and 3 photos from 1 January 2026 to 31 December 2026."
    )
    assert small.answer("31 February 2023") == "I can't tell which time “31 February 2023” is."
    assert "Did you mean Amy?" in small.answer("photos of Ammy")
    assert "“submarine”" in small.answer("a submarine")


def test_where_is_answered_with_places(small: SmallLibrary) -> None:
    assert small.answer("where was Bo in 2026?").endswith(" Taken near Lisbon, Portugal (2 photos).")
    assert small.answer("Where did we take photos of Amy?").endswith(
        " Those with a place were taken near Lisbon, Portugal (1 photo) and near Sydney, Australia (1 photo)."
    )
    assert "Taken near" not in small.answer("Bo in 2026")


def test_only_photos_with_a_date_were_taken_on_one(small: SmallLibrary) -> None:
    small.add("undated.jpg", "Bo")
    assert small.answer("photos of Bo") == (
        "I found 3 photos of Bo, 2 of them taken between 1 July 2026 and 2 July 2026."
    )
    assert small.answer("how many photos do I have?").startswith("I know 8 photos, 6 of them taken between")
    assert small.answer("the oldest photo") == ("The oldest photo that I know was taken on 1 January 2019.")


def test_who_may_be_there_is_said_and_not_counted(small: SmallLibrary) -> None:
    photo = small.add("perhaps.jpg", taken="2026-08-01T10:00:00")
    (whole,) = small.library.detections(photo, "photo")
    small.say("Bo", whole.id, "suggested")
    assert "perhaps.jpg" not in small.find("Bo")
    assert "1 more photo may show Bo: familiar suggestions" in small.answer("Bo")


def test_what_was_told_of_a_relation(small: SmallLibrary) -> None:
    small.library.add_fact(small.concepts["Amy"], "is my sister")
    assert small.find("photos of my sister") == ["both.jpg", "amy.jpg"]
    assert "you told me" in small.why("my sister in Australia")[0]
    assert small.find("photos of my uncle") == []


def test_a_photo_taken_elsewhere_is_not_in_a_place_by_its_folder(small: SmallLibrary) -> None:
    small.add("Lisbon 2026/there.jpg")
    small.add("Lisbon 2026/elsewhere.jpg", place=SYDNEY)
    assert set(small.find("in Lisbon")) == {"beach.jpg", "both.jpg", "there.jpg"}
    assert set(small.find("Lisbon")) == {"beach.jpg", "both.jpg", "there.jpg", "elsewhere.jpg"}


def test_photos_that_are_gone_are_not_found(small: SmallLibrary) -> None:
    from personalizer.library.photos.seen_files import ScanTable

    assert small.find("surfing") == ["amy.jpg"]
    small.library.connection.execute("UPDATE photo_files SET missing_since = 'x' WHERE path LIKE '%amy.jpg'")
    assert small.find("surfing") == [] and small.find("Amy") == ["both.jpg"] and ScanTable is not None


@pytest.mark.parametrize(
    "text",
    [
        '"', "'", "* OR title:x", "NEAR(a b)", "a AND NOT b", 'x" OR "y', "%", "_", "\\", "(", "\x00", "\ud8ff",
        "'; DROP TABLE photos; --", "[2019] trip", "photos of (", "🙂", "日本", "in", "without", "or or or", "Bo Bo Bo",
        "-- Bo", "{name}", "⟦quoted⟧", "“", "«»",
    ],
)  # fmt: skip
def test_syntax_of_other_languages_is_only_words(small: SmallLibrary, text: str) -> None:
    found = Searcher(small.library).find(text, now=NOW)
    assert found.answer and found.count == len(found.photos)
    assert small.find("photos of Bo") == ["both.jpg", "beach.jpg"], "nothing was changed by it"


def test_a_limit_lists_fewer_and_counts_all(small: SmallLibrary) -> None:
    found = Searcher(small.library).find("Bo", limit=1, now=NOW)
    assert found.count == 2 and [photo.path.name for photo in found.photos] == ["both.jpg"]


def test_ten_thousand_letters(small: SmallLibrary) -> None:
    with pytest.raises(UsageError, match="at most"):
        small.find("Bo " * 4000)


def test_folders_whose_names_are_patterns_or_in_other_letters(small: SmallLibrary) -> None:
    small.add("[2018] Norway*/a.jpg")
    small.add("Fe\u0302te de l'e\u0301te\u0301/b.jpg")
    assert small.find("[2018] Norway") == ["a.jpg"]
    assert small.find("the album [2018] norway*") == ["a.jpg"]
    assert small.find("Fête de l'été") == ["b.jpg"]
    assert small.find("fete") == ["b.jpg"]
