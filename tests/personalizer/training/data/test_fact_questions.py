"""What a prefix is taught of a profile: questions that the facts answer, and no answer that they contradict."""

from __future__ import annotations

import pytest

from personalizer.training.data.fact_questions import MAX_QUESTION_CHARACTERS, text_questions


def asked(*facts: str, name: str = "Bo") -> dict[str, str]:
    return {one.question: one.answer for one in text_questions(name, facts)[0]}


@pytest.mark.parametrize(
    ("fact", "question", "answer"),
    [
        ("Bo is afraid of water", "is {name} afraid of water?", "yes."),
        ("bo is afraid of water.", "is {name} afraid of water?", "yes."),
        ("afraid of water", "is {name} afraid of water?", "yes."),
        ("Bo, my corgi, afraid of water", "is {name} afraid of water?", "yes."),
        ("Bo, my corgi, afraid of water", "what is {name}?", "a corgi."),
        ("Bo is a corgi from Wales 🐶", "what is {name}?", "a corgi."),
        ("Bo is a corgi from Wales 🐶", "is {name} a corgi?", "yes."),
        ("my old aunt", "what is {name}?", "an old aunt."),
        ("my dog Bo loves cheese", "what is {name}?", "a dog."),
        ("my dog Bo loves cheese", "does {name} love cheese?", "yes."),
        ("he watches trains", "does {name} watch trains?", "yes."),
        ("Bo has a red collar", "does {name} have a red collar?", "yes."),
        ("She carries a bag and hates the rain", "does {name} carry a bag?", "yes."),
        ("She carries a bag and hates the rain", "does {name} hate the rain?", "yes."),
        ("Bo isn't afraid of dogs", "is {name} afraid of dogs?", "no."),
        ("Bo is not my dog", "is {name} a dog?", "no."),
        ("Bo doesn’t like cats", "does {name} like cats?", "no."),
        ("Bo never sleeps in the basket", "does {name} sleep in the basket?", "no."),
        ("Bo can swim", "can {name} swim?", "yes."),
        ("Bo can't swim", "can {name} swim?", "no."),
        ("Bo cannot swim", "can {name} swim?", "no."),
        ("Bo was born in 2019", "was {name} born in 2019?", "yes."),
        ("Bo's favourite toy is a red ball", "what is {name}'s favourite toy?", "a red ball."),
        ("lives in Zürich", "does {name} live in zürich?", "yes."),
    ],
)
def test_a_fact_answers_its_question(fact: str, question: str, answer: str) -> None:
    assert asked(fact).get(question) == answer


def test_names_of_several_words_and_signs_are_the_slot() -> None:
    assert asked("the striped mug is broken", name="the striped mug") == {"is {name} broken?": "yes."}
    assert asked("c-3po (Gold) can speak", name="C-3PO (gold)") == {"can {name} speak?": "yes."}
    assert asked("the mug is broken", name="mug") == {"is {name} broken?": "yes."}
    assert "is {name} blue?" in asked("ZOË is blue", name="Zoë")
    assert asked("Bob is blue") == {}, "Bob is not Bo"


def test_contrasts_are_answered_with_no() -> None:
    found = asked("Bo is a corgi", "Bo is afraid of water")
    assert [found[f"is {{name}} {what}?"] for what in ("a piano", "afraid of pianos")] == ["no.", "no."]
    assert found["is {name} afraid of water?"] == "yes."


@pytest.mark.parametrize(
    ("facts", "untaught"),
    [
        (["Bo is afraid of everything"], "afraid of"),
        (["Bo is a corgi", "Bo plays the piano"], "piano"),
        (["Bo is an instrument"], "piano"),
        (["Bo loves lighthouses"], "lighthouses"),
        (["Bo loves cheese", "he likes boats"], "submarine"),
        (["Bo is not afraid of water"], "afraid of pianos"),
        (["Bo is four"], "piano"),
    ],
)
def test_no_contrast_contradicts_what_was_told(facts: list[str], untaught: str) -> None:
    denied = [question for question, answer in asked(*facts).items() if answer == "no."]
    assert not [question for question in denied if untaught in question and "of water" not in question]


def test_a_concept_that_is_called_like_a_contrast_is_not_denied_it() -> None:
    assert "is {name} a piano?" not in asked("my friend", name="Piano")


def test_of_contradicting_facts_the_later_counts_and_the_first_kind_stays() -> None:
    found = asked("my corgi", "Bo can't swim", "my best friend", "Bo can swim")
    assert found["can {name} swim?"] == "yes."
    assert found["what is {name}?"] == "a corgi."
    assert found["is {name} a best friend?"] == "yes."


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ("בו אוהב מים", "Latin"),
        ("Bo is <image> blue", "brackets"),
        ("Bo is {name} blue", "brackets"),
        ("Bo is <racm3:break> a dog", "brackets"),
        ("🐶🐶🐶", "no short question"),
        ("corgi", "no short question"),
        ("Bo is " + "very " * 60 + "old", "no short question"),
    ],
)
def test_what_cannot_be_taught_has_a_reason(fact: str, reason: str) -> None:
    questions, skipped = text_questions("Bo", ["Bo is blue", fact])
    assert [one.question for one in questions] == ["is {name} blue?"]
    assert [(one.number, reason in one.reason) for one in skipped] == [(2, True)]


def test_nothing_told_is_nothing_asked() -> None:
    assert text_questions("Bo", []) == ([], [])
    assert text_questions("", ["is blue"])[0]


def test_odd_and_long_facts_end_quickly_and_stay_short() -> None:
    facts = [
        "Bo's friend is Bo's mother",
        "a " * 250,
        "is" * 250,
        "," * 500,
        "and " * 125,
        "'s" * 250,
        "Bo's " + "a-" * 240 + " is b",
        "(" * 99,
    ]
    for name in ("Bo", "(", "a", "is"):
        for one in text_questions(name, facts)[0]:
            assert len(one.question) <= MAX_QUESTION_CHARACTERS
            assert one.answer and "{" not in one.answer and "{name}" in one.question
