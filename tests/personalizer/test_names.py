import unicodedata

import pytest

from personalizer.errors import UsageError
from personalizer.names import MAX_NAME_CHARACTERS, valid_name


@pytest.mark.parametrize(
    "name",
    [
        "Rex",
        "Zoë",
        "老王",
        "محمد",
        "שרה",
        "🐶",
        "👩‍👩‍👧",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "C-3PO",
        "7",
    ],
)
def test_any_script_and_emoji_may_be_a_name(name: str) -> None:
    assert valid_name(name) == unicodedata.normalize("NFC", name)


def test_names_are_composed_and_spaces_collapsed() -> None:
    assert valid_name("  Zoe\u0308   Smith ") == "Zo\u00eb Smith"


@pytest.mark.parametrize("name", ["", "   ", "\u00a0", "\u200d", "\ufe0f\u200d"])
def test_names_that_show_nothing_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        valid_name(name)


@pytest.mark.parametrize(
    "name",
    ["a\nb", "tab\there", "nul\0", "bell\x07", "\u202eoR", "a\u2066b", "\ud800", "a\u2028b", "\x1b[31mred"],
)
def test_control_and_reordering_characters_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be shown"):
        valid_name(name)


def test_names_are_limited_in_length() -> None:
    assert valid_name("x" * MAX_NAME_CHARACTERS)
    with pytest.raises(UsageError, match="81 characters"):
        valid_name("x" * (MAX_NAME_CHARACTERS + 1))
