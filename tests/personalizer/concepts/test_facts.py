"""What the user tells about a concept: kept word for word, once, within limits, and gone when it should be."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from personalizer.concepts import facts as profiles
from personalizer.concepts.operations import merge_concepts
from personalizer.concepts.undo import history, undo
from personalizer.errors import NotFoundError, UsageError
from personalizer.jobs.due import due_mark
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


def test_a_trained_concept_stays_in_use_whatever_is_told(library: Library, bo: int) -> None:
    library.set_state(bo, "ready")
    profiles.remember(library, bo, "afraid of water")
    profiles.change(library, bo, 1, "afraid of deep water")
    profiles.take_back(library, bo, 1)
    undo(library)
    assert library.concept(bo).state == "ready" and told(library, bo) == ["afraid of deep water"]
    assert due_mark(library) is None, "words change nothing about which photos belong together"


def test_telling_changing_and_taking_back_are_undone_exactly(library: Library, bo: int) -> None:
    for text in ("one", "two", "three"):
        profiles.remember(library, bo, text)
    before = library.told_keys(bo)
    was, now = profiles.change(library, bo, 2, "  two  and a half ")
    assert (was.text, now.text, was.id) == ("two", "two and a half", now.id)
    assert told(library, bo) == ["one", "two and a half", "three"]
    assert len(library.told_keys(bo) & before) == 2, "a changed fact is another one"
    profiles.take_back(library, bo, 1)
    assert [entry.kind for entry in history(library, 3)] == ["take_back", "change_fact", "remember"]
    assert all(entry.can_be_undone and entry.about == ["Bo"] for entry in history(library))
    undo(library)
    undo(library)
    assert told(library, bo) == ["one", "two", "three"] and library.told_keys(bo) == before
    undo(library)
    assert told(library, bo) == ["one", "two"]


def test_undoing_gives_way_to_what_was_said_later(library: Library, bo: int) -> None:
    profiles.remember(library, bo, "one")
    first = library.operations(1)[0].id
    profiles.change(library, bo, 1, "two")
    with pytest.raises(UsageError, match="changed since"):
        undo(library, first)
    profiles.take_back(library, bo, 1)
    assert undo(library, first).concepts and told(library, bo) == [], "it is gone already"


@pytest.mark.parametrize("text", ["", "x" * 10_000, "a\x1b[2J", "Two."])
def test_a_change_that_is_not_allowed_leaves_everything(library: Library, bo: int, text: str) -> None:
    profiles.remember(library, bo, "one")
    profiles.remember(library, bo, "two")
    operations = library.operations()
    with pytest.raises(UsageError):
        profiles.change(library, bo, 1, text)
    with pytest.raises(NotFoundError):
        profiles.change(library, bo, 3, "three")
    assert told(library, bo) == ["one", "two"] and library.operations() == operations
    profiles.change(library, bo, 2, "TWO")
    assert told(library, bo) == ["one", "TWO"], "its own words in another case"


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
