"""The constrained decode in which a model chooses a tool: schema, instructions and the check of its result.

Works on tools in OpenAI's format; knows no engine and none of the tools.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

NO_TOOL = "none"
_EXAMPLES = (
    ("Max in a space suit", "imagine"),
    ("Max was funny today", NO_TOOL),
    ("what is on party.jpg", "describe"),
    ("whom have you met", "list_concepts"),
    ("a card with Max", "imagine"),
    ("I like Max", NO_TOOL),
    ("you should know that Max is four", "remember"),
)
"""Wording that a small model needs to see; shown only for tools that are offered."""


MOST_CHARACTERS = 280
"""Of all texts of one call together; a small model may otherwise go on until its tokens are used up."""
_MOST_ITEMS = 8


def choice_schema(tools: Sequence[dict[str, Any]], *, may_decline: bool) -> dict[str, Any]:
    """A JSON schema of which the calls of `tools` (and "none") are instances; none with long texts, nothing else."""
    options = [_option(tool["function"]["name"], _parameters(tool)) for tool in tools]
    definitions: dict[str, Any] = {}
    for tool in tools:
        definitions |= _parameters(tool).get("$defs", {})
    if may_decline:
        options.append({"type": "object", "properties": {"tool": {"const": NO_TOOL}}, "required": ["tool"]})
    schema: dict[str, Any] = options[0] if len(options) == 1 else {"anyOf": options}
    return {**schema, "$defs": definitions} if definitions else schema


def _option(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    properties = parameters.get("properties", {})
    most = MOST_CHARACTERS // max(1, len(properties))
    arguments = {"type": "object", "properties": _bounded(properties, most)}
    # All of them required: a constrained decode ends an object as soon as it may.
    arguments["required"] = list(arguments["properties"])
    return {
        "type": "object",
        "properties": {"tool": {"const": name}, "arguments": arguments},
        "required": ["tool", "arguments"],
    }


def _bounded(schema: Any, most: int) -> Any:
    """The same schema with an end to every text and list that has none."""
    if isinstance(schema, list):
        return [_bounded(part, most) for part in schema]
    if not isinstance(schema, dict):
        return schema
    bounded = {key: _bounded(value, most) for key, value in schema.items()}
    free = not {"enum", "const", "maxLength", "pattern", "format"} & schema.keys()
    if schema.get("type") == "string" and free:
        bounded["maxLength"] = most
    if schema.get("type") == "array" and "maxItems" not in schema:
        bounded["maxItems"] = _MOST_ITEMS
    return bounded


def _parameters(tool: dict[str, Any]) -> dict[str, Any]:
    parameters = tool["function"].get("parameters") or {}
    return dict(parameters)


def choice_instructions(tools: Sequence[dict[str, Any]], *, may_decline: bool) -> str:
    """What the model is told about its tools."""
    offered = {tool["function"]["name"] for tool in tools}
    lines = ["Choose the tool that does what the user asks for. Answer with JSON only.", "Tools:"]
    for tool in tools:
        function = tool["function"]
        arguments = ", ".join(_parameters(tool).get("properties", {}))
        lines.append(f"{function['name']}({arguments}): {function.get('description', '').strip()}")
    if may_decline:
        lines.append(f"{NO_TOOL}: the user talks, greets, thanks or asks something that no tool does.")
    for words, name in _EXAMPLES:
        if name in offered or (name == NO_TOOL and may_decline):
            lines.append(f'"{words}" -> {name}')
    return "\n".join(lines)


def valid_choice(reply: str, tools: Sequence[dict[str, Any]]) -> tuple[str, dict[str, Any]] | None:
    """The tool and its arguments if `reply` is a call that the tool's schema allows; None otherwise."""
    try:
        call = json.loads(reply)
    except json.JSONDecodeError:
        return None
    if not isinstance(call, dict):
        return None
    if call.get("tool") == NO_TOOL:
        return NO_TOOL, {}
    for tool in tools:
        if tool["function"]["name"] == call.get("tool"):
            arguments = call.get("arguments", {})
            allowed = _allowed(arguments, {"type": "object", **_parameters(tool)})
            return (call["tool"], arguments) if allowed else None
    return None


def _allowed(arguments: Any, parameters: dict[str, Any]) -> bool:
    """Whether the arguments are those that the schema asks for, and no others."""
    from jsonschema import Draft202012Validator

    return bool(Draft202012Validator({**parameters, "additionalProperties": False}).is_valid(arguments))
