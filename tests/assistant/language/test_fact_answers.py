"""Which of the user's own words answer a question."""

from __future__ import annotations

import pytest

from assistant.language.fact_answers import quoted, told_about, who_or_what

FACTS = [
    "Bo, my corgi, afraid of water",
    "Bo is afraid of the hoover",
    "he loves cheese",
    "sleeps in the hall with Mika",
    "בו גר בחיפה",
]


@pytest.mark.parametrize(
    ("question", "found", "whole"),
    [
        ("is Bo afraid of water?", [0], True),
        ("Is Bo AFRAID of Water", [0], True),
        ("is Bo afraid?", [0, 1], True),
        ("what is Bo afraid of?", [0, 1], True),
        ("is Bo afraid of thunder?", [0, 1], False),
        ("does Bo like cheese?", [2], False),
        ("does Bo love cheeses?", [2], True),
        ("where does Bo sleep?", [3], True),
        ("is Bo a corgi?", [0], True),
        ("בו גר בחיפה?", [4], True),
        ("how old is Bo?", [], False),
        ("is Bo?", [], False),
        ("?!", [], False),
        ("", [], False),
    ],
)
def test_the_facts_that_share_the_most_words(question: str, found: list[int], whole: bool) -> None:
    told = told_about(question, "Bo", FACTS)
    assert told.facts == [FACTS[number] for number in found]
    assert told.whole == whole


@pytest.mark.parametrize(
    "question",
    ["does Bo like cold rainy weather?", "welche Farbe hat das Fell von Bo?", "¿cuántos años tiene Bo?"],
)
def test_less_than_half_of_the_words_is_no_answer(question: str) -> None:
    assert not told_about(question, "Bo", ["likes tea", "hat Angst vor Gewitter", "tiene un Volvo"]).facts


@pytest.mark.parametrize(
    ("question", "facts", "whole"),
    [
        ("is Bo afraid of water?", FACTS[:1], True),
        ("is Bo afraid of thunder?", [FACTS[4]], False),
        ("what scares Bo?", [FACTS[4]], False),
        ("who is Bo?", [], False),
    ],
)
def test_a_meaning_answers_what_no_words_do(question: str, facts: list[str], whole: bool) -> None:
    told = told_about(question, "Bo", FACTS, lambda *_: FACTS[4])
    assert told.facts == facts and told.whole == whole
    assert told_about("what scares Bo?", "Bo", FACTS, lambda *_: None).facts == []


def test_without_facts_no_meaning_is_looked_for() -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nothing was told")

    assert told_about("what scares Bo?", "Bo", [], refuse).facts == []


def test_the_name_is_no_content() -> None:
    assert told_about("is grandma ingrid tall?", "Grandma Ingrid", ["Grandma Ingrid knits"]).facts == []


def test_open_questions_get_everything_unless_they_say_more() -> None:
    assert who_or_what("who is Bo?", "Bo", FACTS).facts == FACTS
    assert who_or_what("what kind of corgi is Bo?", "Bo", FACTS).facts == FACTS[:1]
    assert not who_or_what("who is Bo?", "Bo", []).whole


def test_words_are_quoted_as_they_were_said() -> None:
    assert quoted(FACTS[2:4]) == "You told me: “he loves cheese”; “sleeps in the hall with Mika”."
    assert quoted(["Bo is four."]) == "You told me: “Bo is four.”"
