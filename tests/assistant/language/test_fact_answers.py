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
        ("does Bo like cheese?", [2], True),
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


def test_the_name_is_no_content() -> None:
    assert told_about("is grandma ingrid tall?", "Grandma Ingrid", ["Grandma Ingrid knits"]).facts == []


def test_open_questions_get_everything_unless_they_say_more() -> None:
    assert who_or_what("who is Bo?", "Bo", FACTS).facts == FACTS
    assert who_or_what("what kind of corgi is Bo?", "Bo", FACTS).facts == FACTS[:1]
    assert not who_or_what("who is Bo?", "Bo", []).whole


def test_words_are_quoted_as_they_were_said() -> None:
    assert quoted(FACTS[2:4]) == "You told me: “he loves cheese”; “sleeps in the hall with Mika”."
    assert quoted(["Bo is four."]) == "You told me: “Bo is four.”"


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("what does Bo like?", "loves cheese"),
        ("what does Bo love?", "his favourite food is fish"),
        ("how old is Bo?", "born in May 2019"),
        ("how old is Bo?", "Bo is 4 years old"),
        ("when is Bo's birthday?", "born in May 2019"),
        ("is Bo scared of water?", "afraid of water"),
        ("what is Bo afraid of?", "he fears thunder"),
        ("what does Bo eat?", "gets fish as food"),
        ("where does Bo live?", "his home is Berlin"),
        ("where does Bo sleep?", "slept in the hall"),
        ("does Bo bite?", "has bitten the postman"),
        ("who is Bo married to?", "his wife is Misty"),
    ],
)
def test_words_of_the_same_meaning_answer(question: str, fact: str) -> None:
    told = told_about(question, "Bo", ["a white poodle mix", fact])
    assert told.facts == [fact] and told.whole
