"""What the user tells about a concept: kept word for word, once, within limits, and gone when it should be."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from personalizer.concepts import facts as profiles
from personalizer.concepts.operations import merge_concepts
from personalizer.errors import NotFoundError, UsageError
from personalizer.library.library import Library
from personalizer.library.schema.migrations import CURRENT_VERSION, MIGRATIONS


@pytest.fixture
def bo(library: Library) -> int:
    return library.create_concept("object", "Bo").id


def told(library: Library, concept_id: int) -> list[str]:
    return [fact.text for fact in library.facts(concept_id)]


@pytest.mark.parametrize(
    "text",
    [
        "Bo, my corgi, afraid of water",
        "בו הוא כלב קטן שאוהב מים",
        "بو يحب الماء\u200f!",
        "loves 🍕 and 👩‍👩‍👧 and \U0001fadc",
        "{name} <image> \\x1b 'quoted' “so”; DROP TABLE facts; --",
        "x" * profiles.MAX_FACT_CHARACTERS,
    ],
)
def test_words_of_any_script_come_back_as_they_were(library: Library, bo: int, text: str) -> None:
    profiles.remember(library, bo, f"  {text}\n")
    assert told(library, bo) == [text]


def test_lines_become_one(library: Library, bo: int) -> None:
    profiles.remember(library, bo, "afraid\tof\r\nwater")
    assert told(library, bo) == ["afraid of water"]


@pytest.mark.parametrize(
    "text",
    ["", " \n ", "…!?", "\u200f", "x" * 10_000, "a\0b", "a\x1b[2J", "a\x1cb", "a\u202eb", "a\ud800b"],
)
def test_what_is_not_allowed_is_refused_and_leaves_nothing(library: Library, bo: int, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        profiles.remember(library, bo, text)
    assert refused.value.found and refused.value.fix
    assert told(library, bo) == [] and library.operations() == []


def test_the_same_words_are_kept_once(library: Library, bo: int) -> None:
    assert profiles.remember(library, bo, "Afraid of water") is not None
    assert profiles.remember(library, bo, "afraid  of WATER.") is None
    other = library.create_concept("object", "Mika").id
    assert profiles.remember(library, other, "Afraid of water") is not None
    assert told(library, bo) == told(library, other) == ["Afraid of water"]


def test_there_is_a_limit_and_room_again_after_taking_back(
    library: Library, bo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "MAX_FACTS", 2)
    profiles.remember(library, bo, "one")
    profiles.remember(library, bo, "two")
    with pytest.raises(UsageError, match="2 are kept already"):
        profiles.remember(library, bo, "three")
    assert profiles.remember(library, bo, "two") is None, "what is known needs no room"
    assert profiles.take_back(library, bo, 1).text == "one"
    profiles.remember(library, bo, "three")
    assert told(library, bo) == ["two", "three"]


@pytest.mark.parametrize("number", [0, -1, 3])
def test_taking_back_what_is_not_there(library: Library, bo: int, number: int) -> None:
    with pytest.raises(NotFoundError, match="nothing was told"):
        profiles.take_back(library, bo, number)
    profiles.remember(library, bo, "one")
    profiles.remember(library, bo, "two")
    with pytest.raises(NotFoundError, match="there are 2"):
        profiles.take_back(library, bo, number)
    assert told(library, bo) == ["one", "two"]


def test_a_concept_that_does_not_exist(library: Library) -> None:
    with pytest.raises(NotFoundError):
        profiles.remember(library, 77, "one")
    with pytest.raises(NotFoundError):
        profiles.take_back(library, 77, 1)
    assert library.connection.execute("SELECT COUNT(*) FROM facts").fetchone()[0] == 0


def test_a_trained_concept_is_to_be_trained_again_only_when_something_changed(
    library: Library, bo: int
) -> None:
    def state_after(text: str) -> str:
        library.set_state(bo, "ready")
        profiles.remember(library, bo, text)
        return library.concept(bo).state

    assert state_after("afraid of water") == "stale"
    assert state_after("Afraid of water") == "ready"
    profiles.take_back(library, bo, 1)
    assert library.concept(bo).state == "stale"
    library.set_state(bo, "named")
    profiles.remember(library, bo, "loves cheese")
    assert library.concept(bo).state == "named"


def test_facts_go_with_their_concept(library: Library, bo: int) -> None:
    other = library.create_concept("object", "Mika").id
    profiles.remember(library, bo, "one")
    profiles.remember(library, other, "two")
    library.delete_concept(bo)
    assert told(library, other) == ["two"]
    assert library.connection.execute("SELECT COUNT(*) FROM facts").fetchone()[0] == 1


@pytest.mark.parametrize("target", [0, 1])
def test_merging_keeps_the_facts_of_both_once(library: Library, bo: int, target: int) -> None:
    other = library.create_concept("object", "Bobo").id
    for concept, text in ((bo, "my corgi"), (other, "loves cheese"), (bo, "afraid of water")):
        profiles.remember(library, concept, text)
    profiles.remember(library, other, "Afraid of water.")
    kept = merge_concepts(library, bo, other, (bo, other)[target]).concepts[0].id
    words = [text.casefold().rstrip(".") for text in told(library, kept)]
    assert sorted(words) == ["afraid of water", "loves cheese", "my corgi"]
    assert library.connection.execute("SELECT COUNT(*) FROM facts").fetchone()[0] == 3


def test_a_library_from_before_facts_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    old = sqlite3.connect(path, isolation_level=None)
    for statement in (statement for step in MIGRATIONS[:3] for statement in step):
        old.execute(statement)
    old.execute("PRAGMA user_version = 3")
    old.execute("INSERT INTO concepts VALUES (5, 'Bo', 'bo', 'object', 'named', NULL, NULL, '2024')")
    old.close()
    with Library.open(path) as library:
        assert library.connection.execute("PRAGMA user_version").fetchone()[0] == CURRENT_VERSION
        profiles.remember(library, 5, "afraid of water")
        assert told(library, 5) == ["afraid of water"]
    with Library.open(path, read_only=True) as library:
        assert told(library, 5) == ["afraid of water"]
