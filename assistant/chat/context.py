"""Resolves references to earlier requests: the last photo or drawing, the last name, a pending question.

Knows the conversation and the router; runs no tool.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assistant.chat.memory import Conversation
from assistant.chat.router.refine import refined_picture
from assistant.chat.router.route import LIKELY, UNDECIDED, Route, route, route_as
from assistant.language.ordinary_words import word_set
from assistant.language.parse import CONCEPT, Request, parse
from personalizer.names import name_key

_AGAIN = re.compile(
    r"^(?:(?:please|ok|okay|and|now|then|yes|nice|great|cool|lovely|haha|draw|paint|make|do"
    r"|give me|show me|noch|dibuja|haz|otra vez)[ ,]*)*"
    r"(?:again|(?:him|her|it|them|that) again|another|another one|one more|more|once more|try again|the same again"
    r"|(?:one|another one) (?:like|of) (?:that|this|it)|(?:ein(?:e|s)|noch ein(?:e|s|mal)?)|nochmal|otro|otra|una? más)"
    r"(?: (?:please|picture|drawing|time|bitte|por favor|like that|like this))*[ .!?]*$",
    re.IGNORECASE,
)
_AGAIN_BUT = re.compile(
    r"^(?:(?:please|ok|okay|now|nice|great)[ ,]*)*(?:(?:draw|paint|do|make) (?:it|that|him|her|them) again"
    r"|(?:another|the same)(?: one)?|again),? but (?:this time )?(?P<change>.+)$",
    re.IGNORECASE,
)
_ORDINALS = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
    "last": -1, "erste": 0, "ersten": 0, "zweite": 1, "zweiten": 1, "dritte": 2, "dritten": 2, "letzte": -1,
    "letzten": -1, "primera": 0, "segunda": 1, "tercera": 2, "última": -1,
}  # fmt: skip
_ORDINAL = re.compile(
    rf"\b(?:the|das|dem|auf dem|la|en la) (?P<which>{'|'.join(_ORDINALS)})"
    r"(?: (?:one|photo|picture|image|pic|foto|bild|imagen))?\b(?! (?:photo|picture|image|pic|time|name|of))",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"(?:and|with|also|plus|mit|und|con|y|add|now with)(?: also| auch)? "
    rf"(?:{re.escape(CONCEPT)}(?: and |, | und | y )?)+(?: too| as well| also| auch| también| please)?",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?P<word>him|her|he|she|his|hers|ihn|ihm|sie|ella)\b", re.IGNORECASE)
_SOMEBODY = re.compile(r"^(?:him|her|he|she|them|it)\b(?! (?:hat|dog|cat|house|car|hair)\b)", re.IGNORECASE)
_OF_PRONOUN = frozenset(
    {"imagine", "find", "list_concepts", "remember", "forget", "train", "name_concept", "merge"}
)
_FIRST = word_set("1 one first a erste primero")
_SECOND = word_set("2 two second b zweite segundo")
_CALLED = {
    "imagine": word_set("draw drawing paint picture imagine"),
    "find": word_set("find search photos look show"),
    "describe": word_set("describe look photo"),
    "list_concepts": word_set("list names know tell"),
    "name_concept": word_set("name call rename"),
    "help": word_set("help explain"),
}


def in_context(request: Request, said: Conversation, names: Sequence[str]) -> tuple[Route, Request]:
    """Where the request goes by its words and by what was said before; and the request, with a name for a pronoun."""
    found = route(request)
    completed = _answer_to_what_was_asked(found, request, said, names)
    if completed is not None:
        return completed, request
    of_list = _one_of_the_found(request, said)
    if of_list is not None:
        return _about_found(of_list, request, names), request
    refined = refined_picture(request, said.last_route, said.last_seed, names)
    if refined is not None:
        return refined, request
    more = _added_name(request, said)
    if more is not None:
        return more, request
    if found.intent == "clarify" and found.slots.get("missing") == "photo" and _photos_meant(found, said):
        again = route(request, [str(photo) for photo in _photos_meant(found, said)])
        return replace(again, source="context") if again.intent != "clarify" else found, request
    changed = _AGAIN_BUT.match(request.text)
    if changed is not None and said.last_route is not None and said.last_route.intent == "imagine":
        words = parse(f"{said.last_route.slots['prompt']} {changed['change'].strip(' .!?')}", names)
        return Route("imagine", {"prompt": words.text}, LIKELY, "context", words=words), request
    if said.last_route is not None and _AGAIN.match(request.text) and said.last_route.intent == "imagine":
        slots = {key: value for key, value in said.last_route.slots.items() if key != "seed"}
        return replace(said.last_route, slots=slots, source="context", elapsed_ms=found.elapsed_ms), request
    meant = _with_last_name(request, said, names)
    again = found if meant is None else route(meant)
    if meant is not None and _is_about_name(again):
        return again, meant
    if found.intent == "imagine" and not request.concepts and _SOMEBODY.search(found.slots["prompt"]):
        # Nobody knows who "him" is: a drawing of anybody would be a guess.
        slots = {"wanted": "imagine", "missing": "concept", "prompt": found.slots["prompt"]}
        return replace(found, intent="clarify", slots=slots), request
    return found, request


def _photos_meant(found: Route, said: Conversation) -> tuple[Path, ...]:
    """What "it" is: who is in a drawing can be asked, but not noted, so that then the last photo is meant."""
    if found.slots.get("wanted") in ("confirm", "reject", "split"):
        return () if said.last_description is None else (said.last_description.photo,)
    return said.last_photos


def _answer_to_what_was_asked(
    found: Route, request: Request, said: Conversation, names: Sequence[str]
) -> Route | None:
    waiting = said.waiting
    if waiting is None:
        return None
    wanted, missing, text = waiting.slots.get("wanted"), waiting.slots.get("missing"), request.text
    if missing == "choice":
        label = _chosen(text, str(wanted), str(waiting.slots["other"]))
        photos = [str(photo) for photo in said.last_photos]
        return None if label is None else route_as(parse(str(waiting.slots["text"]), names), label, photos)
    if missing == "photo" and "photo" in found.slots and "question" not in found.slots:
        if wanted == "describe" and found.intent == "describe":
            slots = {**waiting.slots, **found.slots}
            return replace(found, slots=slots, source="context", words=waiting.words)
        if wanted in ("confirm", "reject", "split") and found.intent == "describe":
            kept = ("concept", "id", "instead_of")
            slots = {key: waiting.slots[key] for key in kept if key in waiting.slots}
            return replace(found, intent=wanted, slots={**slots, **found.slots}, source="context")
    names_only = name_key(text) in map(name_key, names)
    if missing == "name" and found.intent in ("chat", "list_concepts") and 0 < len(text.split()) <= 4:
        slots = {key: waiting.slots[key] for key in ("concept", "id") if key in waiting.slots}
        return replace(
            found, intent="name_concept", slots={**slots, "name": text.strip(" .!")}, source="context"
        )
    if (
        wanted == "remember"
        and waiting.slots.get("text")
        and "concept" in found.slots
        and found.intent in ("chat", "list_concepts")
    ):
        slots = {"concept": found.slots["concept"], "text": waiting.slots["text"]}
        return replace(found, intent="remember", slots=slots, source="context")
    if wanted == "imagine" and missing == "concept" and names_only:
        words = parse(_SOMEBODY.sub(text, str(waiting.slots["prompt"])), names)
        return replace(found, intent="imagine", slots={"prompt": words.text}, source="context", words=words)
    if wanted in ("forget", "train") and names_only:
        return replace(found, intent=wanted, slots={"concept": text}, source="context")
    if wanted == "merge" and names_only and "concept" in waiting.slots:
        slots = {"concept": waiting.slots["concept"], "concepts": [waiting.slots["concept"], text]}
        return replace(found, intent="merge", slots=slots, source="context")
    undecided = found.intent == "chat" and found.confidence <= UNDECIDED
    if missing == "prompt" and (undecided or names_only):
        return replace(
            found, intent="imagine", slots={**found.slots, "prompt": text}, source="context", words=request
        )
    return None


def _chosen(text: str, first: str, second: str) -> str | None:
    """Which of two labels an answer means."""
    words = set(re.findall(r"\w+", text.casefold()))
    called = [words & _CALLED.get(label.split()[0], frozenset(label.split())) for label in (first, second)]
    if len(words) > 6:
        return None
    if words & _FIRST or (called[0] and not called[1]):
        return first
    return second if words & _SECOND or (called[1] and not called[0]) else None


def _one_of_the_found(request: Request, said: Conversation) -> Path | None:
    """ "who is in the second one?" after a search that listed two."""
    match = _ORDINAL.search(request.text)
    if match is None or not said.found_photos or request.photos:
        return None
    number = _ORDINALS[match["which"].casefold()]
    return said.found_photos[number] if number < len(said.found_photos) else None


def _about_found(photo: Path, request: Request, names: Sequence[str]) -> Route:
    """A request about one of the photos that were found; alone, "the second one" is a wish to hear about it."""
    words = _ORDINAL.sub("this photo", request.text).strip(" .!?")
    if not re.sub(
        r"(?:show|open|describe|see|look at|me|zeig\w*|mir|muestra\w*|and|und|y|\W|this photo)",
        "",
        words,
        flags=re.IGNORECASE,
    ):
        return Route("describe", {"photo": str(photo)}, LIKELY, "context")
    again = route(parse(f"{words}?" if request.text.rstrip().endswith("?") else words, names), [str(photo)])
    return replace(again, source="context")


def _added_name(request: Request, said: Conversation) -> Route | None:
    """ "and Kiwi" behind a drawing or a search: the same with one more in it."""
    last = said.last_route
    if last is None or not _ADDS.fullmatch(request.skeleton.strip(" .!?")):
        return None
    more = " and ".join(request.concepts)
    if last.intent == "imagine":
        prompt = str(last.slots["prompt"])
        known = [*last.slots.get("concepts", []), last.slots.get("concept", "")]
        there = [name for name in known if name and name in prompt]
        added = prompt.replace(there[0], f"{there[0]} and {more}", 1) if there else f"{prompt} and {more}"
        words = parse(added, [*request.concepts, *there])
        return Route("imagine", {"prompt": words.text}, LIKELY, "context", words=words)
    if last.intent == "find":
        return Route("find", {"query": f"{last.slots['query'].rstrip(' ?.!')} and {more}"}, LIKELY, "context")
    return None


def _with_last_name(request: Request, said: Conversation, names: Sequence[str]) -> Request | None:
    """ "draw him in the snow" with the name of the one that was named last; None where nobody is meant."""
    name = said.last_name
    if name is None or request.concepts or name not in names or not _PRONOUN.search(request.text):
        return None

    def named(match: re.Match[str]) -> str:
        word = match["word"].casefold()
        return f"{name}'s" if word == "his" or (word == "her" and _owns(request.text, match)) else name

    return parse(_PRONOUN.sub(named, request.text), names)


def _is_about_name(found: Route) -> bool:
    """Whether a route with a name in place of a pronoun is one that a name is needed for."""
    return found.intent in _OF_PRONOUN or (
        found.intent == "clarify" and found.slots.get("missing") == "choice"
    )


def _owns(text: str, match: re.Match[str]) -> bool:
    """ "her hat", but not "draw her in a hat"."""
    following = text[match.end() :].split()[:1]
    return bool(following) and following[0].casefold() not in word_set(
        "in on at as with and to from for again now"
    )
