"""Texts about photos and the names of places, in the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_photos import store_photo

from personalizer.library.library import Library
from personalizer.library.photos.companions import CompanionFile
from personalizer.library.photos.texts import PlaceNames


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library.sqlite") as opened:
        yield opened


def store(library: Library, name: str, **known: object) -> int:
    return store_photo(library, content_hash=name, path=Path("/photos") / name, **known).id


def found(library: Library, *words: str) -> set[int]:
    return set(library.photos_written_about([list(words)]))


def words_in_index(library: Library) -> set[str]:
    """Every word that the index of words still has."""
    library.connection.execute("CREATE VIRTUAL TABLE temp.kept USING fts5vocab('main', 'photo_words', 'row')")
    rows = library.connection.execute("SELECT term FROM temp.kept").fetchall()
    library.connection.execute("DROP TABLE temp.kept")
    return {row["term"] for row in rows}


def test_texts_of_the_file_and_of_one_beside_it_are_kept_apart(library: Library) -> None:
    photo = store(library, "a.jpg", texts={"title": "Old harbour", "keywords": "ships, ropes"})
    beside = CompanionFile(Path("/photos/a.jpg.xmp"), photo, "xmp", 1, 1)
    library.record_companion(beside, texts={"description": "At dawn"})
    assert library.texts(photo) == [
        ("title", "Old harbour"), ("keywords", "ships, ropes"), ("description", "At dawn"),
    ]  # fmt: skip
    library.record_companion(beside, texts={"description": "At dusk"})
    assert found(library, "dusk") == {photo} and found(library, "dawn") == set()
    library.replace_texts(photo, {"title": "New harbour"})
    assert library.texts(photo) == [("description", "At dusk"), ("title", "New harbour")]
    library.remove_companions([beside.path])
    assert library.texts(photo) == [("title", "New harbour")]


def test_words_are_found_without_accents_one_after_the_other(library: Library) -> None:
    photo = store(library, "a.jpg", texts={"title": "Fête de la Musique"})
    assert found(library, "fete") == found(library, "de", "la") == {photo}
    assert found(library, "musique", "fete") == set()
    assert found(library, '"', "fete", "*") == {photo}, "marks are no syntax"
    assert found(library, '"') == set()


def test_lettering_stays_when_the_file_is_read_again(library: Library) -> None:
    photo = store(library, "a.jpg")
    library.store_lettering(photo, "EXIT")
    library.replace_texts(photo, {"title": "Cinema"})
    assert set(library.photos_written_about([["exit"]], lettering=True)) == {photo}
    assert library.photos_written_about([["cinema"]], lettering=True) == {}
    library.store_lettering(photo, "")
    assert found(library, "exit") == set()


def test_what_was_forgotten_gets_no_texts(library: Library) -> None:
    photo = store(library, "a.jpg", texts={"title": "Bo at the lake"})
    library.mark_forgotten([photo])
    assert library.texts(photo) == [] and found(library, "bo") == set()
    library.replace_texts(photo, {"title": "Bo again"})
    library.store_lettering(photo, "BO")
    assert library.texts(photo) == []


def test_texts_with_a_name_go_and_leave_nothing_in_the_file(library: Library) -> None:
    photos = [
        store(library, f"{n}.jpg", texts={"title": title})
        for n, title in enumerate(("Zanzibor here", "Other"))
    ]
    library.overwrite_what_is_deleted()
    assert library.delete_texts_with(lambda text: "Zanzibor" in text) == 1
    library.compact()
    assert library.texts(photos[0]) == [] and library.texts(photos[1]) == [("title", "Other")]
    assert "zanzibor" not in words_in_index(library)
    library.close()
    content = library.path.read_bytes().lower()
    assert b"zanzibor" not in content and b"other" in content


def test_places_are_named_once_and_again_when_a_photo_moves(library: Library) -> None:
    lisbon = PlaceNames("Lisbon", "Lisbon", "Portugal", "near Lisbon, Portugal")
    photo = store(library, "a.jpg", latitude=38.7, longitude=-9.1)
    store(library, "b.jpg")
    assert library.photos_without_place_names() == [(photo, 38.7, -9.1)]
    library.store_place_names({photo: lisbon})
    assert library.photos_without_place_names() == [] and library.place_words(photo) == lisbon.words
    assert library.known_places() == [lisbon]
    library.refresh_metadata(
        photo, taken_at=None, latitude=0.5, longitude=1.5, camera=None, own_date=False, own_place=True
    )
    assert library.photos_without_place_names() == [(photo, 0.5, 1.5)] and library.place_words(photo) is None


def test_folders_are_known_as_long_as_photos_are_in_them(library: Library) -> None:
    store(library, "Portugal/a.jpg")
    store(library, "Portugal/Lisbon/b.jpg")
    store(library, "Spain/c.jpg")
    assert {folder.name for folder in library.photo_folders()} == {"Portugal", "Lisbon", "Spain"}
    for name in ("Spain/c.jpg", "Portugal/a.jpg"):
        library.connection.execute("DELETE FROM photo_files WHERE path = ?", (f"/photos/{name}",))
    assert {folder.name for folder in library.photo_folders()} == {"Portugal", "Lisbon"}, "one is below it"
    library.connection.execute(
        "UPDATE photo_files SET path = '/photos/Peru/b.jpg' WHERE path = '/photos/Portugal/Lisbon/b.jpg'"
    )
    assert "Peru" in {folder.name for folder in library.photo_folders()}
    assert "Lisbon" not in {folder.name for folder in library.photo_folders()}


def test_a_folder_whose_name_is_no_text(library: Library) -> None:
    name = b"/photos/caf\xe9/a.jpg".decode("utf-8", "surrogateescape")
    store_photo(library, content_hash="x", path=Path(name))
    (folder,) = library.photo_folders()
    assert list(library.photos_below([folder]).values()) == [folder]
