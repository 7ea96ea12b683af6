"""The check in code of what a constrained decode produced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.chat.llm.tool_choice import MOST_CHARACTERS, NO_TOOL, choice_schema, valid_choice

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


def test_texts_and_lists_of_a_call_come_to_an_end() -> None:
    """A small model would go on until its tokens are used up, and the call would not be JSON."""
    properties = {
        "concept": {"type": "string"},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "photos": {"type": "array", "items": {"type": "string"}},
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    }
    tool = {"type": "function", "function": {"name": "split", "parameters": {"properties": properties}}}
    asked = choice_schema([tool], may_decline=False)["properties"]["arguments"]["properties"]
    most = MOST_CHARACTERS // 4
    assert asked["concept"] == {"type": "string", "maxLength": most}
    assert asked["kind"] == properties["kind"]
    assert asked["photos"]["maxItems"] and asked["photos"]["items"]["maxLength"] == most
    assert asked["name"]["anyOf"][0]["maxLength"] == most
    assert "maxLength" not in properties["concept"], "the tool's own schema stays as it is"
