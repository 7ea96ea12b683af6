"""Where a name is written, and where only its letters are."""

from __future__ import annotations

import json

import pytest

from personalizer.concepts.name_mentions import NameMentions


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Bo", "a photo of bo."),
        ("Bo", "/photos/Bo_1.jpg"),
        ("Bo", "Bo's ball, bo2.png"),
        ("Grandma Ingrid", "20260101-a-photo-of-grandma-ingrid-on-a-beach"),
        ("Zoë", "ZOË"),
        ("Zoë", "Zoe\u0308"),
        ("Zoë", json.dumps({"name": "Zoë"})),
        ("Zoë", r"training 'Zo\xeb'"),
        ("🐶", json.dumps("good 🐶!")),
        ("猫", "我的猫很好"),
        ("R2", "r2, d2"),
        ("a.b*c", "A.B*C"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, text: str) -> None:
    assert NameMentions([name]).in_text(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [("Bo", "about a boat, Bob"), ("R2", "R22"), ("7", "17 of 70"), ("a.b", "axb"), ("Zoë", "Zoe")],
)
def test_other_words_are_no_mention(name: str, text: str) -> None:
    assert not NameMentions([name]).in_text(text)


def test_a_longer_name_is_somebody_else() -> None:
    mentions = NameMentions(["Bo"], others=["Bo's ball", "Big Bo"])
    assert not mentions.in_text("big bo has Bo's ball")
    assert mentions.in_text("Bo has Bo's ball")
    assert NameMentions(["Bo's ball"], others=["Bo"]).in_text("bo's ball")


def test_an_ordinary_word_counts_as_it_is_written() -> None:
    mentions = NameMentions(["May"], case_sensitive=["May"])
    assert mentions.in_text("a photo of May") and not mentions.in_text("it may rain")


def test_values_are_searched_to_the_bottom() -> None:
    mentions = NameMentions(["Bo"])
    assert mentions.in_value({"a": [1, None, {"b": ["to Bo"]}]}) and mentions.in_value({"Bo": 1})
    assert not mentions.in_value({"a": [1, None, {"b": ["to Ann"]}]})
    assert not NameMentions([]).in_value({"a": ""})
