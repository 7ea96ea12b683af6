"""Native tool calls: the chat template shows the model the tools, and its answer is parsed for calls.

Reads `<tool_call>{…}</tool_call>` and an answer that is JSON alone. Knows no engine and no
LangChain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

_OPEN = "<tool_call>"
_BLOCK = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.DOTALL)
_FENCE = re.compile(r"\A```(?:json)?\s*(.*?)\s*(?:```\s*)?\Z", re.DOTALL)
_CONTROL = re.compile(
    r"<(?=(?:\|[^<>|]{1,40}\||/?(?:s|tool_call|tool_response|tools|think|start_of_turn|end_of_turn|eos|bos))>)"
)


@dataclass(frozen=True, slots=True)
class NativeCall:
    """A tool's name and its arguments, not yet checked against its schema."""

    name: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class CallReader:
    """Parses a streamed answer and separates words for the user from calls, which are known at its end."""

    offered: Collection[str]
    """Names of the tools there are: JSON alone is a call only where it names one of them."""
    _text: str = ""
    _shown: int = 0
    calls: list[NativeCall] = field(default_factory=list)
    """Filled by `finish`."""
    broken: bool = False
    """Whether there was a call that cannot be read; known after `finish`."""

    def feed(self, piece: str) -> str:
        """Take the next piece; returns words that surely are no part of a call."""
        self._text += piece
        return self._until(self._surely_words())

    def finish(self) -> str:
        """Read the calls; returns the words that were held back and are part of none."""
        blocks = _BLOCK.findall(self._text)
        if blocks:
            for block in blocks:
                found = _calls_in(block)
                self.calls += found
                self.broken |= not found
            rest = _BLOCK.sub("", self._text[self._shown :])
            self._shown = len(self._text)
            return rest.rstrip()
        if self._held():
            alone = [call for call in _calls_in(_unfenced(self._text)) if call.name in self.offered]
            if alone:
                self.calls = alone
                return ""
        return self._until(len(self._text))

    def _held(self) -> bool:
        """Whether the answer may be JSON alone."""
        begun = self._text.lstrip()
        return not begun or begun[0] in "{[" or begun.startswith("```") or "```".startswith(begun)

    def _surely_words(self) -> int:
        if self._held():
            return 0
        found = self._text.find(_OPEN)
        if found >= 0:
            return found
        longest = min(len(_OPEN) - 1, len(self._text))
        begun = next((size for size in range(longest, 0, -1) if _OPEN.startswith(self._text[-size:])), 0)
        return len(self._text) - begun

    def _until(self, end: int) -> str:
        words = self._text[self._shown : end]
        self._shown = max(self._shown, end)
        return words


def template_takes_tools(template: str | None) -> bool:
    """Whether a chat template has a place for tools."""
    return bool(template) and re.search(r"\btools\b", template or "") is not None


def without_control_words(text: str) -> str:
    """`text` in which nothing is a word that a chat template is made of, such as `<|im_start|>` or `<tool_call>`."""
    return _CONTROL.sub("‹", text)


def _unfenced(text: str) -> str:
    fenced = _FENCE.match(text.strip())
    return fenced[1] if fenced else text.strip()


def _calls_in(text: str) -> list[NativeCall]:
    """The calls in one or more JSON values; empty where anything else is in there."""
    decoder, found, position = json.JSONDecoder(), [], 0
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            return []
        for one in value if isinstance(value, list) else [value]:
            call = _as_call(one)
            if call is None:
                return []
            found.append(call)
        position = end
        while position < len(text) and text[position] in " \t\r\n,;":
            position += 1
    return found


def _as_call(value: Any) -> NativeCall | None:
    if not isinstance(value, dict):
        return None
    function = value["function"] if isinstance(value.get("function"), dict) else value
    name, arguments = function.get("name"), function.get("arguments", function.get("parameters", {}))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (json.JSONDecodeError, RecursionError):
            return None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return NativeCall(name, arguments)
