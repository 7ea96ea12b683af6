"""Did you mean Bo? Names that are a typing mistake away."""

from __future__ import annotations

import pytest

from assistant.language.similar_names import similar_names

KNOWN = ["Bo", "Amy", "Zoë", "Margarete", "Rex Junior", "Jonathan"]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Boo", ("Bo",)),
        ("bow", ("Bo",)),
        ("BO", ("Bo",)),
        ("Zoe", ("Zoë",)),
        ("Amyy", ("Amy",)),
        ("Aym", ("Amy",)),
        ("Margerete", ("Margarete",)),
        ("Margaret", ("Margarete",)),
        ("Jonhatan", ("Jonathan",)),
        ("Jontahn", ("Jonathan",)),
        ("rex junor", ("Rex Junior",)),
        ("Rex", ()),
        ("Tom", ()),
        ("B", ()),
        ("", ()),
        ("x" * 10_000, ()),
    ],
)
def test_names_that_were_meant(typed: str, names: tuple[str, ...]) -> None:
    assert similar_names(typed, KNOWN) == names


def test_the_nearest_comes_first() -> None:
    assert similar_names("Marina", ["Martin", "Maria", "Mariana"]) == ("Maria", "Mariana", "Martin")
