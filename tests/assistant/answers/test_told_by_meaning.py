"""Which fact answers a question by its meaning, with the network that ships."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.answers.told_by_meaning import LEAD_WEIGHT, closest_fact, with_lead, without_name

FACTS = [
    "Bo is afraid of thunder",
    "my corgi",
    "born in Lisbon in 2016",
    "loves cheese",
    "allergic to chicken",
]


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("what scares Bo?", 0),
        ("does Bo mind storms?", 0),
        ("what is the place of birth of Bo?", 2),
        ("which treat makes Bo happy?", 3),
        ("wovor fürchtet sich Bo?", 0),
        ("¿dónde nació Bo?", 2),
    ],
)
def test_the_fact_that_answers_is_found(question: str, number: int) -> None:
    assert closest_fact(question, "Bo", FACTS) == FACTS[number]


@pytest.mark.parametrize(
    "question",
    ["can Bo swim?", "how much does Bo weigh?", "who gave Bo to us?", "wie schwer ist Bo?", "Bo?", "", "?"],
)
def test_what_was_not_told_is_not_answered(question: str) -> None:
    assert closest_fact(question, "Bo", FACTS) is None


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
    assert closest_fact(question, "Bo", ["a white poodle mix", fact]) == fact


@pytest.mark.parametrize("odd", ["", "\ud800", "🐶🐶", "בו גר בחיפה", "x" * 10_000])
def test_odd_facts_answer_nothing_and_break_nothing(odd: str) -> None:
    assert closest_fact("what scares Bo?", "Bo", [odd]) is None
    assert closest_fact("what scares Bo?", "Bo", [odd, FACTS[0]]) == FACTS[0]
    assert closest_fact(odd, "Bo", FACTS) is None


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("what is Bo's vet called?", "Bo", "what is vet called?"),
        ("Bob saw bo, Bos Hund", "Bo", "Bob saw , Hund"),
        ("c-3po (Gold) can speak", "C-3PO (gold)", "can speak"),
    ],
)
def test_the_name_is_left_out(text: str, name: str, rest: str) -> None:
    assert without_name(text, name) == rest


def test_what_stands_out_counts_more() -> None:
    scores = with_lead(np.array([0.2, 0.5, 0.3], dtype=np.float32))
    assert np.allclose(scores, [0.2, 0.5 + LEAD_WEIGHT * 0.2, 0.3])
    assert np.allclose(with_lead(np.array([0.4], dtype=np.float32)), [0.4])
    assert np.allclose(with_lead(np.array([0.4, 0.4], dtype=np.float32)), [0.4, 0.4])
