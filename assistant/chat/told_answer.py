"""Answers a question about a named concept from the user's facts, without a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.answers.told_by_meaning import closest_fact
from assistant.chat.router.route import UNDECIDED, Route
from assistant.language.fact_answers import nothing_told, told_about, who_or_what
from assistant.language.parse import Request
from assistant.language.questions import Told, asked_about, only_name_in_question, understand


def told_answer(
    found: Route, request: Request, facts_about: Callable[[str], Sequence[str]], *, photos_were_named: bool
) -> str | None:
    """The user's own words, or that nothing was told where a small model would make something up; None where the
    request is for somebody else.
    """
    surely_about = asked_about(request)
    name = surely_about or only_name_in_question(request)
    for_photo = found.intent == "clarify" and found.slots.get("missing") == "photo"
    undecided = (found.intent == "chat" and found.confidence <= UNDECIDED) or _is_close_to_known(found)
    if name is None or not (for_photo or undecided):
        return None
    facts = facts_about(name)
    is_open = any(isinstance(part, Told) and part.is_open for part in understand(request))
    answer = (who_or_what if is_open else told_about)(
        request.text, name, facts, closest_fact if undecided else None
    )
    if answer.whole or (answer.facts and undecided):
        return answer.words
    return nothing_told(name, facts) if surely_about and undecided and not photos_were_named else None


def _is_close_to_known(found: Route) -> bool:
    """ "what does Bo like?" and "can Bo swim?" are closest to questions about what is known."""
    if found.source != "meaning":
        return False
    labels = {found.intent, found.slots.get("wanted"), found.slots.get("other")}
    return bool(labels & {"list_concepts", "find", "remember"})
