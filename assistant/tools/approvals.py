"""Approval of changes by tools: by the user, once, for a conversation, or permanently. Knows no screen, no model."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from assistant.service.familiar import Familiar
from assistant.tools.quoting import quote
from personalizer.errors import FamiliarError, NotFoundError, UsageError

ApprovalAnswer = Literal["once", "chat", "always", "no"]
CHANGING = ("name_concept", "confirm", "reject", "merge", "split", "undo", "train", "remember")
"""Tools that change the library; each change can be taken back."""
DELETING = ("forget",)
"""Tools of which nothing can be taken back: asked about every time."""
OPENING = "open_photo"
"""Not a tool: reading a photo outside the registered folders."""
_SETTING = "tools.always_allowed"
_ALL: tuple[ApprovalAnswer, ...] = ("once", "chat", "always", "no")


class NotApprovedError(FamiliarError):
    """A person said no, or nobody is there who could say yes."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What a person is asked before a tool does something."""

    tool: str
    says: str
    """What will be done, in a sentence; what others wrote stands in “…”."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """As the model gave them."""
    answers: tuple[ApprovalAnswer, ...] = _ALL
    """Those that count; any other is a no."""


Ask = Callable[[ApprovalRequest], ApprovalAnswer]


class Approvals:
    """What was allowed in one conversation, and what its library allows for good. Safe to use from several threads.

    >>> from personalizer.home import default_home
    >>> approvals = Approvals(lambda request: "once", Familiar(default_home()))
    >>> approvals.require("confirm", "Confirm that “Bo” is in “IMG_1.jpg”")
    """

    def __init__(self, ask: Ask | None, familiar: Familiar) -> None:
        """`ask` shows a request to a person and returns the answer; None: nobody is there who could be asked."""
        self._ask = ask
        self._familiar = familiar
        self._in_chat: set[str] = set()
        # One question at a time: an agent may call several tools at once.
        self._lock = threading.RLock()

    def require(self, tool: str, says: str, arguments: Mapping[str, Any] | None = None) -> None:
        """Return where `tool` may do this now. Raises NotApprovedError where it may not."""
        # What is not known to be taken back is asked about every time.
        answers: tuple[ApprovalAnswer, ...] = _ALL if tool in CHANGING else ("once", "no")
        request = ApprovalRequest(tool, says, dict(arguments or {}), answers)
        with self._lock:
            if "always" in answers and (tool in self._in_chat or tool in self.always()):
                return
            answer = self._answer(request)
            if answer == "chat":
                self._in_chat.add(tool)
            elif answer == "always":
                self._note({*self.always(), tool})

    def require_photo(self, photo: Path) -> bool:
        """Ask for a photo outside the registered folders; whether it stays open in this conversation.

        Raises NotApprovedError.
        """
        request = ApprovalRequest(
            OPENING,
            f"Open {quote(str(photo))}, which is in none of the registered folders",
            {"photo": str(photo)},
            ("once", "chat", "no"),
        )
        with self._lock:
            return self._answer(request) == "chat"

    def always(self) -> list[str]:
        """Tools that this library allows for good, in the order of `CHANGING`."""
        stored = self._familiar.library.setting(_SETTING)
        try:
            names = json.loads(stored) if stored else []
        except ValueError:
            names = []
        return [tool for tool in CHANGING if isinstance(names, list) and tool in names]

    def allow_always(self, tool: str) -> None:
        """Allow a tool for good, as the answer "always" does. Raises UsageError for one that cannot be."""
        if tool not in CHANGING:
            raise UsageError(
                tried=f"allowing {tool} for good",
                found="it is asked about every time" if tool in DELETING else "it needs no approval",
                fix=f"These can be allowed for good: {', '.join(CHANGING)}.",
            )
        with self._lock:
            self._note({*self.always(), tool})

    def take_back(self, tool: str) -> None:
        """Ask about this tool again, from now on. Raises NotFoundError where it was not allowed for good."""
        with self._lock:
            allowed = self.always()
            if tool not in allowed and tool not in self._in_chat:
                raise NotFoundError(
                    tried=f"taking back that {tool} is allowed",
                    found=f"allowed for good: {', '.join(allowed) or 'nothing'}",
                    fix="Nothing is to be done: it is asked about.",
                )
            self._in_chat.discard(tool)
            self._note(set(allowed) - {tool})

    def _answer(self, request: ApprovalRequest) -> ApprovalAnswer:
        if self._ask is None:
            for_good = (
                ", or allow it for good with Approvals.allow_always" if request.tool in CHANGING else ""
            )
            raise NotApprovedError(
                tried=request.says,
                found="this needs a person's approval, and nobody is there who could be asked",
                fix=f"Nothing was done. Give `approve` a function that asks a person{for_good}.",
            )
        answer = self._ask(request)
        if answer == "no" or answer not in request.answers:
            raise NotApprovedError(
                tried=request.says,
                found="the person who was asked said no",
                fix="Nothing was done. Do not try it again unless you are asked to.",
            )
        return answer

    def _note(self, tools: set[str]) -> None:
        ordered = [tool for tool in CHANGING if tool in tools]
        self._familiar.library.set_setting(_SETTING, json.dumps(ordered) if ordered else None)
