"""Questions about somebody named, answered with what the user told, without a photo."""

from __future__ import annotations

import pytest

from assistant.chat.router.route import route
from assistant.chat.told_answer import told_answer
from assistant.language.parse import parse

FACTS = ["afraid of thunder", "my corgi", "born in Lisbon"]


def said(text: str, *facts: str, photos_were_named: bool = False) -> str | None:
    request = parse(text, ["Bo", "Mika"])
    found = route(request)
    return told_answer(found, request, lambda _: facts, photos_were_named=photos_were_named)


@pytest.mark.parametrize(
    "question", ["what scares Bo?", "is Bo scared of storms?", "wovor hat Bo Angst?", "¿qué asusta a Bo?"]
)
def test_a_question_in_other_words_is_answered_with_what_was_told(question: str) -> None:
    assert said(question, *FACTS) == "You told me: “afraid of thunder”."
    assert said(question, *FACTS, photos_were_named=True) == "You told me: “afraid of thunder”."


@pytest.mark.parametrize("question", ["can Bo swim?", "how much does Bo weigh?", "is Bo married?"])
def test_where_no_fact_answers_this_is_said(question: str) -> None:
    assert (said(question, *FACTS) or "").startswith("You have not told me that about Bo.")
    assert said(question, *FACTS, photos_were_named=True) is None


@pytest.mark.parametrize("question", ["wie schwer ist Bo?", "what amuses Bo?", "¿cuánto pesa Bo?"])
def test_a_question_of_another_form_is_left_to_others_where_no_fact_answers(question: str) -> None:
    assert said(question, *FACTS) is None
    assert said(question) is None


@pytest.mark.parametrize(
    "text",
    [
        "Bo is scared!",
        "storms scare Bo",
        "draw what scares Bo",
        "what scares Bo and Mika?",
        "what scares dogs?",
    ],
)
def test_what_asks_about_nobody_or_two_is_not_answered(text: str) -> None:
    assert said(text, *FACTS) is None


def test_words_go_before_meaning_and_open_questions_get_everything() -> None:
    assert said("is Bo a corgi?", *FACTS) == "You told me: “my corgi”."
    assert (
        said("what breed is Bo?", *FACTS) == "You told me: “afraid of thunder”; “my corgi”; “born in Lisbon”."
    )
