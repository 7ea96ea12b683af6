"""Searches as people word them, in a made-up library of which all right answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from assistant.evaluation.search.made_library import NOW, PETS, MadePhoto, make_library
from assistant.results import FoundPhotos
from assistant.search.search import Searcher
from personalizer.library.library import Library

Holds = Callable[[MadePhoto], bool]


class Made:
    """A library, and what is true of its photos."""

    def __init__(self, library: Library, photos: list[MadePhoto]) -> None:
        self.searcher = Searcher(library)
        self.photos = photos

    def find(self, text: str) -> FoundPhotos:
        return self.searcher.find(text, now=NOW)

    def files(self, text: str) -> set[str]:
        return {photo.path.name for photo in self.find(text).photos}

    def right(self, holds: Holds) -> set[str]:
        return {photo.path.name for photo in self.photos if holds(photo)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("made")
    with Library.open(folder / "library.sqlite") as library:
        yield Made(library, make_library(library, folder / "photos", photos=600, seed=3))


def _of(*names: str, without: str = "") -> Holds:
    return lambda p: p.people >= set(names) and not p.people & set(without.split())


def _any_of(*names: str) -> Holds:
    return lambda p: bool(p.people & set(names))


def _faces(least: int, most: int = 99) -> Holds:
    return lambda p: least <= p.faces <= most


def _only(*names: str) -> Holds:
    return lambda p: p.people == set(names) and p.faces == len(set(names) - set(PETS))


def _on(first: str, last: str) -> Holds:
    return lambda p: p.taken_between(first, last)


def _in(*places: str) -> Holds:
    return lambda p: p.place in places


def _country(country: str, album: str = "") -> Holds:
    return lambda p: p.country == country or (p.place is None and p.album == album)


def _all(*conditions: Holds) -> Holds:
    return lambda p: all(condition(p) for condition in conditions)


_PORTUGAL = _country("Portugal", "Portugal 2019")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        # Courtesies, short forms and slips.
        ("could you please find me all photos where Amy is with Noor, thank you", _of("Amy", "Noor")),
        ("hey, got any pics of minka?", _of("Minka")),
        ("let me see Bo", _of("Bo")),
        ("just show me Amy", _of("Amy")),
        ("pics w/ Amy & Ben", _of("Amy", "Ben")),
        ("Amy w/o Ben", _of("Amy", without="Ben")),
        ("amy n ben", _of("Amy", "Ben")),
        ("phtos of amy in berlin", _all(_of("Amy"), _in("Berlin"))),
        ("pictures from our trip to Portugal", _PORTUGAL),
        ("how often did I photograph Bo last year", _all(_of("Bo"), _on("2025-01-01", "2025-12-31"))),
        # Who, and who not.
        ("Amy, Ben or Carla", _any_of("Amy", "Ben", "Carla")),
        ("Amy with Ben, Carla or David", _all(_of("Amy"), _any_of("Ben", "Carla", "David"))),
        ("either Amy or Ben", _any_of("Amy", "Ben")),
        ("neither Amy nor Ben in Oslo", _all(_of(without="Amy Ben"), _in("Oslo"))),
        ("photos in Oslo that don't show Amy or Ben", _all(_of(without="Amy Ben"), _in("Oslo"))),
        ("photos of Ben that don't have Bo in them", _of("Ben", without="Bo")),
        ("photos of Amy where Ben isn't in it", _of("Amy", without="Ben")),
        ("Ben and nobody else", _only("Ben")),
        ("nobody but Amy", _only("Amy")),
        ("Amy not alone", _all(_of("Amy"), _faces(2))),
        ("Amy with other people", _all(_of("Amy"), _faces(2))),
        ("Amy with two other people", _all(_of("Amy"), _faces(3, 3))),
        ("at least two people", _faces(2)),
        ("more than two people", _faces(3)),
        ("exactly two people", _faces(2, 2)),
        ("three or more people", _faces(3)),
        ("any photos of nobody I know", lambda p: not p.people - set(PETS)),
        # Where and when.
        ("Amy, not in Paris", lambda p: "Amy" in p.people and p.place != "Paris"),
        ("Amy but not in 2020", lambda p: "Amy" in p.people and p.year not in {None, 2020}),
        (
            "Bo in Germany, France or Norway",
            lambda p: (
                "Bo" in p.people
                and (p.country in {"Germany", "France"} or _country("Norway", "[2018] Norway")(p))
            ),
        ),
        ("2019-2021 Ben", _all(_of("Ben"), _on("2019-01-01", "2021-12-31"))),
        ("Amy from 2020 til 2022", _all(_of("Amy"), _on("2020-01-01", "2022-12-31"))),
        ("in the first half of 2020", _on("2020-01-01", "2020-06-30")),
        ("late 2019", _on("2019-09-01", "2019-12-31")),
        ("the end of May 2021", _on("2021-05-21", "2021-05-31")),
        ("March and April", lambda p: p.month in {3, 4}),
        ("March and April 2021", _on("2021-03-01", "2021-04-30")),
        ("new year's eve 2022", _on("2022-12-31", "2022-12-31")),
        ("the week before last", _on("2026-11-16", "2026-11-22")),
        # Written, and in other languages.
        ("the sign that says no parking", lambda p: p.lettering == "No parking"),
        ("Weder Amy noch Ben in Oslo", _all(_of(without="Amy Ben"), _in("Oslo"))),
        ("Bilder aus Norwegen", _country("Norway", "[2018] Norway")),
        ("Hast du Fotos von Carla in Deutschland?", _all(_of("Carla"), _country("Germany"))),
        ("¿cuántas fotos tengo de Carla?", _of("Carla")),
    ],
)
def test_ways_to_say_it(made: Made, text: str, holds: Holds) -> None:
    assert made.files(text) == made.right(holds), made.find(text).answer


@pytest.mark.parametrize(
    ("text", "count", "names", "oldest"),
    [
        ("the last three photos of Amy", 3, ["Amy"], False),
        ("the 5 newest photos of Bo", 5, ["Bo"], False),
        ("first two photos of Amy", 2, ["Amy"], True),
        ("die letzten fünf Fotos von Bo", 5, ["Bo"], False),
    ],
)
def test_so_many_photos(made: Made, text: str, count: int, names: list[str], oldest: bool) -> None:
    fitting = [photo for photo in made.photos if photo.people >= set(names)]
    dated = [photo for photo in fitting if photo.taken_at is not None]
    dated.sort(key=lambda photo: str(photo.taken_at), reverse=not oldest)
    found = made.find(text)
    assert [photo.path for photo in found.photos] == [photo.path for photo in dated[:count]]
    assert found.count == count
    assert f"I found {len(fitting)} photos of {names[0]}. Here are the {count}" in found.answer


@pytest.mark.parametrize(
    "text",
    [
        "32 May 2021", "a broken bicycle", "a red bicycle", "old bicycle", "Bo eating ice cream", "Bo swimming",
        "Amy and her friends", "children playing", "only dogs with hats", "two dogs", "Bo without",
        "photos of people I don't know", "photos of Amy aged 5", "the last three photos of Zorro",
        "at least fifty people", "Amy with 99 other people", "selfies of Amy", "in Nice", "says no smoking",
        "neither Zorro nor Amy", "Amy without Amy", "Fotos von Klaus", "ein rotes Auto", "Bo in early 1999",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_not_dropped(made: Made, text: str) -> None:
    found = made.find(text)
    assert found.count == 0 and found.answer.startswith("I found no"), found.answer


def test_sentences_say_what_was_searched_for(made: Made) -> None:
    def says(text: str) -> str:
        return made.find(text).answer

    assert " of Amy without Ben or Bo" in says("Amy without Ben and Bo")
    assert " of Carla and either Bo or Minka" in says("Bo or Minka with Carla")
    assert " for “beach”, not from 1 January 2020 to 31 December 2020" in says("beach not in 2020")
    assert " from 1 January 2019 to 31 December 2020, taken" in says("2019 and 2020")
    assert " of Bo on Saturdays and Sundays" in says("Bo on weekends")
    assert " from christmas of any year" in says("at christmas")
    assert says("nice photos of Amy").endswith("I can't judge what is “nice”, so I left that out.")
    assert " photos of Amy to leave out" in says("Amy without Amy")
    assert " (south of the equator: 1 December 2021 to 28 February 2022)" in says("summer 2021 in Sydney")
    assert "south" not in says("summer 2021 in Berlin")
