"""Lets a language model's wish wait for the user's answer, while the request that it belongs to goes on running."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from assistant.chat.events import Event, NeedsApproval
from assistant.tools.approvals import ApprovalAnswer, ApprovalRequest

_WORDS: dict[str, ApprovalAnswer] = {
    "y": "once", "yes": "once", "once": "once", "1": "once", "c": "chat", "chat": "chat", "this chat": "chat",
    "2": "chat", "a": "always", "always": "always", "3": "always", "n": "no", "no": "no",
}  # fmt: skip
_SAID = {
    "once": "Allowed, this once.",
    "chat": "Allowed in this chat.",
    "always": "Allowed from now on, in all chats.",
    "no": "Not allowed: nothing was done.",
}


class Approving:
    """One question at a time, asked by the thread that answers requests, answered by any other."""

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[ApprovalAnswer] = queue.SimpleQueue()
        self._asked: ApprovalRequest | None = None
        self.emit: Callable[[Event], None] = lambda event: None
        """Shows an event of the request that is running."""
        self.stop = threading.Event()
        """Set when that request was stopped."""

    @property
    def waits(self) -> bool:
        """Whether an answer is waited for."""
        return self._asked is not None

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Show the request and wait for the answer; no when the user stops the whole request."""
        choices = {"once": "yes", "chat": "chat: yes, in this chat", "always": "always", "no": "no"}
        words = tuple(choices[answer] for answer in request.answers)
        self._asked = request
        try:
            self.emit(NeedsApproval(f"The language model wants this: {request.says}. Allow it?", words))
            while not self.stop.is_set():
                try:
                    return self._answers.get(timeout=0.05)
                except queue.Empty:
                    continue
            return "no"
        finally:
            self._asked = None

    def reply(self, text: str) -> str:
        """Take what the user typed as the answer, and say what it was taken for: anything unclear is a no."""
        request = self._asked
        answer = _WORDS.get(text.strip().casefold().rstrip(".!"), "no")
        if request is None:
            return ""
        if answer not in request.answers:
            answer = "no"
        self._answers.put(answer)
        return _SAID[answer]
