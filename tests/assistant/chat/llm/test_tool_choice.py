"""The check in code of what a constrained decode produced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.chat.llm.tool_choice import NO_TOOL, choice_schema, valid_choice

DESCRIBE: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "describe",
        "description": "Look at a photo.",
        "parameters": {
            "type": "object",
            "properties": {
                "photo": {"type": "string", "enum": ["a.jpg", "b.jpg"]},
                "count": {"type": "integer"},
            },
            "required": ["photo"],
        },
    },
}


def call(**parts: Any) -> str:
    return json.dumps(parts)


def test_a_call_that_the_schema_allows() -> None:
    assert valid_choice(call(tool="describe", arguments={"photo": "a.jpg", "count": 2}), [DESCRIBE]) == (
        "describe",
        {"photo": "a.jpg", "count": 2},
    )


def test_declining() -> None:
    assert valid_choice(call(tool=NO_TOOL), [DESCRIBE]) == (NO_TOOL, {})


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "not json",
        "[]",
        call(tool="delete_everything", arguments={}),
        call(tool="describe", arguments={}),
        call(tool="describe", arguments={"photo": "/etc/passwd"}),
        call(tool="describe", arguments={"photo": "a.jpg", "count": "2"}),
        call(tool="describe", arguments={"photo": "a.jpg", "count": True}),
        call(tool="describe", arguments={"photo": "a.jpg", "other": 1}),
        call(tool="describe", arguments="a.jpg"),
    ],
)
def test_everything_else_is_dropped(reply: str) -> None:
    assert valid_choice(reply, [DESCRIBE]) is None


def test_the_schema_offers_each_tool_and_none() -> None:
    schema = choice_schema([DESCRIBE], may_decline=True)
    assert [option["properties"]["tool"]["const"] for option in schema["anyOf"]] == ["describe", NO_TOOL]
    assert schema["anyOf"][0]["properties"]["arguments"]["required"] == ["photo", "count"]
    forced = choice_schema([DESCRIBE], may_decline=False)
    assert "anyOf" not in forced
