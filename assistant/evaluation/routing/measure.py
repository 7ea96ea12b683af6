"""`familiar evaluate router`: labelled requests against the router that the chat uses. Runs no tool."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.chat.router.route import Route, route
from assistant.evaluation.data.options import EvaluationRun, RouterOptions
from assistant.language.parse import parse
from personalizer.errors import UsageError

WITHOUT_TOOL = frozenset({"chat", "clarify", "help"})
NEWER_INTENTS = frozenset({"confirm", "reject", "merge", "split", "undo", "train", "help"})
"""A file that knows none of them was labelled before they were there: they count as `chat` in it."""


@dataclass(frozen=True, slots=True)
class LabelledRequest:
    """What somebody types, and where it should go."""

    text: str
    intent: str
    photos: list[str] = field(default_factory=list)
    """Paths that come with it beside its text."""
    concepts: list[str] = field(default_factory=list)
    """The names that the library knows."""
    slots: dict[str, Any] = field(default_factory=dict)
    """Those that are checked; others may be there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A request and where it went."""

    request: LabelledRequest
    route: Route
    intent: str
    """As the file's labels call it."""

    @property
    def is_right(self) -> bool:
        return self.intent == self.request.intent

    @property
    def has_right_slots(self) -> bool:
        wanted = self.request.slots
        return self.is_right and all(self.route.slots.get(name) == value for name, value in wanted.items())


def evaluate_router(options: RouterOptions, run: EvaluationRun) -> dict[str, Any]:
    """Shares of right intents and of right slots, of chatter that starts a tool, and what was taken for what."""
    requests = read_requests(options.requests)
    run.say(0, len(requests), "Reading requests")
    route(parse("what does this mean?", []))  # so that loading the sentence network counts for no request
    judged, elapsed_ms = [], []
    knows_newer = any(request.intent in NEWER_INTENTS for request in requests)
    for request in requests:
        started = time.perf_counter()
        found = route(parse(request.text, request.concepts), request.photos)
        elapsed_ms.append((time.perf_counter() - started) * 1000)
        older = not knows_newer and found.intent in NEWER_INTENTS
        judged.append(Judged(request, found, "chat" if older else found.intent))
    return summary(judged, elapsed_ms)


def summary(judged: list[Judged], elapsed_ms: list[float]) -> dict[str, Any]:
    """The numbers of the report; `elapsed_ms` has one entry for each request."""
    chatter = [one for one in judged if one.request.intent == "chat"]
    started = [one for one in chatter if one.route.intent not in WITHOUT_TOOL]
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for one in judged:
        confusion[one.request.intent][one.intent] += 1
    quantiles = statistics.quantiles(elapsed_ms, n=20) if len(elapsed_ms) > 1 else elapsed_ms * 19
    return {
        "requests": len(judged),
        "intent": sum(one.is_right for one in judged) / len(judged),
        "slots": sum(one.has_right_slots for one in judged) / len(judged),
        "wrong_tool_on_chatter": len(started) / len(chatter) if chatter else 0.0,
        "chatter": len(chatter),
        "p95_ms": quantiles[18],
        "sources": dict(Counter(one.route.source for one in judged)),
        "confusion": {intent: dict(counts) for intent, counts in sorted(confusion.items())},
        "mistakes": [
            {
                "text": one.request.text,
                "expected": one.request.intent,
                "got": one.intent,
                "source": one.route.source,
                "slots": one.route.slots,
                "expected_slots": one.request.slots,
            }
            for one in judged
            if not one.has_right_slots
        ],
    }


def read_requests(path: Path) -> list[LabelledRequest]:
    """One request a line, as JSON with `text`, `intent` and, where there are any, `photos`, `concepts`, `slots`.

    Raises UsageError for a file that cannot be read and for a line that is no such record.
    """
    tried = f"reading labelled requests from {path}"
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            tried=tried, found=str(error), fix="Give --requests a file of JSON lines."
        ) from error
    found: list[LabelledRequest] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            known = {name: record[name] for name in LabelledRequest.__dataclass_fields__ if name in record}
            found.append(LabelledRequest(**known))
        except (ValueError, TypeError) as error:
            fix = 'Each line is like {"text": "is this Bo?", "concepts": ["Bo"], "intent": "clarify"}.'
            raise UsageError(tried=tried, found=f"line {number}: {error}", fix=fix) from error
    if not found:
        raise UsageError(tried=tried, found="it holds no request", fix="Write one JSON record a line.")
    return found
