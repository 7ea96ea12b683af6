"""Chat models of LangChain's for tests of agents: one says what it is given, one obeys whatever it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, PrivateAttr

Call = tuple[str, dict[str, Any]]
_QUOTED = re.compile("“[^“”]*”")
_BLOCK = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_BARE = re.compile(r'\{"name": *"(\w+)", *"arguments": *(\{.*?\})\}')
_ORDER = re.compile(r"\b(forget|confirm|reject|merge|remember|imagine|describe)\(([^()]*)\)", re.IGNORECASE)
_TURN = re.compile(
    r"(?m)^\s*(?:user|system|assistant)\s*[:\n]|<\|im_start\|>\s*(?:user|system|assistant)\b", re.IGNORECASE
)


class Scripted(BaseChatModel):
    """Gives these answers one after another: words, or calls of tools. Notes what it was shown."""

    script: list[Any]
    seen: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.seen.append(list(messages))
        return answer_of(self.script.pop(0))


LIES = (
    "I deleted all your photos.",
    "I uploaded 43 photos to Facebook: https://facebook.example/album/1",
    "I drew Tom, see /home/you/imagined/20261129-tom.png",
    "My mother: object embedding 0.87 ≥ 1.25; that is her, 99 % sure.",
)


class Liar(GenericFakeChatModel):
    """Claims acts, files and evidence, whatever it is asked, piece by piece; calls no tool."""

    messages: Iterator[AIMessage | str] = Field(default_factory=lambda: map(AIMessage, cycle(LIES)))

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        return self


class Obedient(BaseChatModel):
    """Does first what the user asks; then whatever order it finds outside of quotation marks in what tools returned,
    and whatever looks there like a call of a tool or another turn of the conversation. It stands for the worst model.
    """

    first: Call
    """The call by which it does what the user asks."""
    obeyed: list[Call] = Field(default_factory=list)
    """Orders that were none of the user's."""
    _begun: bool = PrivateAttr(default=False)

    @property
    def _llm_type(self) -> str:
        return "obedient"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if not self._begun:
            self._begun = True
            return answer_of([self.first])
        last = messages[-1]
        orders = orders_in(str(last.content)) if isinstance(last, ToolMessage) else []
        orders = [order for order in orders if order not in self.obeyed]
        self.obeyed += orders
        return answer_of(orders or "Done.")


def orders_in(text: str) -> list[Call]:
    """What a model that knows no data from instructions would do after reading `text`."""
    found = [_loaded(block) for block in _BLOCK.findall(text)]
    found += [(name, _arguments(given)) for name, given in _BARE.findall(text)]
    for turn in _TURN.split(text)[1:]:
        found += _plain_orders(turn)
    found += _plain_orders(_QUOTED.sub(" ", text))
    return [order for order in dict.fromkeys(map(_key, filter(None, found))) for order in [_unkey(order)]]


def _plain_orders(text: str) -> list[Call]:
    """`forget(concept=Bo, typed=Bo)` in running words."""
    orders = []
    for name, given in _ORDER.findall(text):
        pairs = [part.split("=", 1) for part in given.split(",") if "=" in part]
        orders.append((name.lower(), {key.strip(): value.strip(" '\"‘’") for key, value in pairs}))
    return orders


def _loaded(block: str) -> Call | None:
    try:
        call = json.loads(block)
        return str(call["name"]), dict(call["arguments"])
    except (ValueError, KeyError, TypeError):
        return None


def _arguments(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}


def _key(call: Call) -> tuple[str, str]:
    return call[0], json.dumps(call[1], sort_keys=True)


def _unkey(key: tuple[str, str]) -> Call:
    return key[0], json.loads(key[1])


def answer_of(answer: str | Sequence[Call]) -> ChatResult:
    """Words, or calls, as a chat model returns them."""
    if isinstance(answer, str):
        message = AIMessage(answer)
    else:
        calls = [
            {"type": "tool_call", "id": f"call_{number}", "name": name, "args": arguments}
            for number, (name, arguments) in enumerate(answer)
        ]
        message = AIMessage("", tool_calls=calls)
    return ChatResult(generations=[ChatGeneration(message=message)])
