"""Questions about somebody or something with a name: whether they are there, and what the user may have told."""
# ruff: noqa: E501 - a pattern reads best on one line

from __future__ import annotations

import re

from assistant.language.clauses import Clause
from assistant.language.question_patterns import (
    BE,
    ENTITIES,
    ENTITY,
    HERE,
    MAYBE,
    NEGATION,
    PHOTO,
    POSITION,
    TAIL,
    THE_PERSON,
    THIS,
    position,
)
from assistant.language.question_rest import alone, parts_of_rest
from assistant.language.question_types import Colors, Position, Presence, Question, Told

_WHO = rf"(?P<names>{ENTITIES})"
_PLACE = rf"(?: {POSITION})?"
_REST = r"(?P<rest>(?: .+)?)"
_PERSON_AT = rf"{THE_PERSON}(?: (?:that is|who is|there|here))?{_PLACE}"
_PRESENCE = tuple(
    re.compile(f"^(?:{pattern})$")
    for pattern in (
        rf"{BE}(?: not)? (?:{_PERSON_AT}) (?:{MAYBE}){_WHO}{TAIL}(?P<rest>)",
        rf"(?:not )?{BE} (?:not )?(?:{THIS} )?(?:{MAYBE})(?:the |one of |either of |both of )*{_WHO}{TAIL}{_PLACE}{_REST}",
        rf"(?:do|can|could|did|does) (?:you|i|we|u|somebody|anybody)(?: not)?(?: (?:still|also|even|maybe))* (?:see|recognize|find|spot|identify|detect|notice|make out) {_WHO}{TAIL}{_PLACE}{_REST}",
        rf"(?:does|do|did) (?:it|these|those|{PHOTO})(?: not)?(?: \w+)? (?:show|contain|have|include|depict|feature|look like) {_WHO}{TAIL}{_PLACE}{_REST}",
        rf"(?:could|can|might|may|would|should|must)(?: not)? (?:{THIS}|{_PERSON_AT})(?: not)?(?: (?:also|really|possibly|perhaps|actually))? be (?:{MAYBE}){_WHO}{TAIL}(?P<rest>)",
        rf"(?:{THIS}|{THE_PERSON.replace('?P<who>', '?:')})(?: (?:not|really|surely|probably|maybe|also))* (?:is|was|are|looks like|look like|looks a lot like|resembles|must be|could be|might be|should be|may be|seems to be|can be)(?: (?:not|really|surely|probably|maybe|also|a lot|clearly))* {_WHO}{TAIL}(?P<rest>)",
        rf"{_WHO} (?:is|are|was|were)(?: not)?(?P<tail> (?:not |also |both |all )*{HERE}(?: {HERE})*)(?P<rest>)",
        rf"{_WHO} (?:is|are)(?: not)?(?P<tail>){POSITION.replace('(?:(?:(?:on', ' (?:(?:(?:on', 1)}(?P<rest>)",
        rf"(?:or |and |maybe |perhaps |not )?{_WHO}{TAIL}{_PLACE}(?P<rest>)",
        rf"(?:is|are)(?: not)?{_PLACE} (?P<tail>(?:{HERE} ))?{_WHO}(?P<rest>)",
        rf"{BE}(?: not)? {HERE} {_WHO}{TAIL}(?P<rest>)",
    )
)
_WHERE = tuple(
    re.compile(f"^(?:{pattern})$")
    for pattern in (
        rf"where(?: exactly)?(?: {BE}| can (?:you|i|we) see| do you see| can (?:you|i) find| in {PHOTO} {BE}| here {BE})? {_WHO}{TAIL}(?: (?:standing|sitting|to be found))?(?: {HERE})*",
        rf"(?:which(?: one)?(?: of (?:them|these|the \w+))?|which {THE_PERSON}|who(?: of (?:them|these))?(?: here)?) {BE} (?:not )?{_WHO}(?P<tail> (?:here|there|in {PHOTO}|in it))",
        rf"which(?: one)?(?: of (?:them|these|those|the \w+))? {BE} (?:not )?{_WHO}{TAIL}",
        rf"which (?:{THE_PERSON}) {BE} {_WHO}{TAIL}",
        rf"(?:show|find|point out|point at|point to|mark)(?: me)? {_WHO}(?P<tail>(?: {HERE})+)",
        rf"{BE} {_WHO}{TAIL} on the left or(?: on)?(?: the)? right",
    )
)
_EITHER = re.compile(
    rf"^(?:which|who)(?: one)?(?: of)? (?P<names>{ENTITIES}) (?:is|are) (?P<tail>{HERE})$|^(?:who|which)(?: one)?(?: {BE})? {THIS}(?: ,)? (?P<names_2>{ENTITY}(?: ,)? or {ENTITY})$"
)
_OPEN = re.compile(
    rf"""^(?:who|what|who\ or\ what)\ (?:exactly\ )?(?:is|was|are)\ (?P<a>{ENTITIES})$|^who\ (?P<g>{ENTITY})\ is$
    |^(?:of\ )?(?:what|which)\ (?:breed|kind|sort|type|species|race|a\ breed)(?:\ of)?(?:\ an?)?(?:\ \w+)?\ (?:is|was|are|has|does)\ (?P<b>{ENTITIES})(?:\ (?:s|have|belong\ to))?$
    |^what\ (?:is|are)\ (?P<h>{ENTITY})\ s\ (?:breed|species|race)$
    |^(?:tell|remind|show|say)(?:\ me|\ us)?(?:\ (?:more|something|everything|anything|all|what\ you\ know|a\ bit|a\ story))*\ (?:about|of|on)\ (?P<c>{ENTITIES})$
    |^(?:describe|introduce)\ (?P<d>{ENTITIES})$
    |^(?:what|anything|everything|what\ else|which\ things|what\ all)\ (?:do|did|can|have|has)?\ ?(?:you|i|we)\ (?:know|remember|tell|told|say|learn|learned)(?:\ me|\ you|\ us)?\ (?:about|of|on)\ (?P<e>{ENTITIES})$
    |^do\ (?:you|we)\ (?:know|remember)(?:\ (?:who|something\ about|anything\ about|about|anything\ of))?\ (?P<f>{ENTITIES})(?:\ is)?$""",
    re.VERBOSE,
)
_TOLD = re.compile(
    rf"""^(?:how\ old|how\ tall|how\ heavy|how\ big|how\ smart|how\ fast|what\ age|of\ what\ age)\ (?:is|was|are)\ (?P<a>{ENTITIES})(?:\ now|\ today|\ {HERE.replace(" ", chr(92) + " ")})*$
    |^(?:what|which|who|whom|how|where|when|why|how\ often|how\ much)(?:\ \S+){{0,3}}?\ (?:does|do|did|has|have|can|will|would|should)\ (?P<b>{ENTITIES})\ (?!look\b|wear\b|hold\b|carry\b|do\b)\S.*$
    |^(?:does|do|did|has|have|had|can|will|would|should|could)(?:\ not)?\ (?P<c>{ENTITIES})\ \S.*$
    |^(?:what|when|where|who)\ (?:is|are|was)\ (?P<d>{ENTITY})\ s\ \S.*$|^(?:what|when|where|who)\ (?:is|are|was)\ (?:the\ )?\S+(?:\ \S+)?\ of\ (?P<h>{ENTITY})$
    |^(?:when|where|why|how)\ (?:is|was|are|were)\ (?P<e>{ENTITIES})\ (?:born|afraid|from|happy|sad|called|named|so|adopted|ill|sick|bought)\b.*$
    |^(?:what|who|whom)\ (?:is|was|are)\ (?P<f>{ENTITIES})\ (?:afraid|scared|frightened|fond|good|bad|allergic|made|called|named|used|for|like|proud)\b.*$
    |^(?:who|what)\ (?:likes|loves|owns|knows|hates|belongs\ to|lives\ with|made|gave|bought)\ (?P<g>{ENTITIES})$
    |^(?:whose|what)\ (?:dog|cat|pet|child|friend|sister|brother|wife|husband|son|daughter|mother|father)\ (?:is|are)\ (?P<i>{ENTITIES})$
    |^like\ (?P<j>{ENTITIES})\ \S.*$|^what\ like\ (?P<k>{ENTITIES})$|^(?:what|where|how)\ (?P<m>likes?|eats?|lives?)\ (?P<l>{ENTITIES})$""",
    re.VERBOSE,
)
_SEEN_ACTION = re.compile(r"^ (?:not )?(?:really |just |still |also )?(?:\w{2,}ing)\b")
_ACTION_WITH_THING = re.compile(
    r"^ (?:wearing|holding|carrying|riding|eating|sitting|standing|lying|sleeping|swimming|playing|running|walking) "
)
_ALONE = re.compile(
    r"^ (?:all )?(?:alone|by (?:himself|herself|itself|themselves)|on (?:his|her|its|their) own|the only (?:one|person|dog|cat|animal))(?P<rest>.*)$"
)
_WITH = re.compile(
    rf"^ (?:together )?(?:with|next to|beside|near|and) (?P<others>{ENTITIES}){TAIL}(?P<rest>.*)$"
)


def named_question(text: str, clause: Clause) -> Question | None:
    """The parts of a clause that is about names; None for another one."""
    if "@" not in text.replace("@p", ""):
        return None
    return _where(text, clause) or _open(text, clause) or _presence(text, clause) or _told(text, clause)


def _names(match: re.Match[str]) -> str:
    """The entities of a match, whichever of its alternatives it was."""
    return next(
        (text for text in match.groupdict().values() if text and text.startswith(("@", "both", "either"))), ""
    )


def presence_of(
    words: str, clause: Clause, negated: bool = False, at: Position | None = None, asks_where: bool = False
) -> Presence:
    """Whether the entities in `words` are there."""
    return Presence(
        clause.texts(words, "k"),
        clause.texts(words, "u"),
        clause.texts(words, "r"),
        any_of=bool(re.search(r"\b(?:or|either|nor|any)\b", words)),
        negated=negated,
        position=at,
        asks_where=asks_where,
    )


def _where(text: str, clause: Clause) -> Question | None:
    for pattern in _WHERE:
        match = pattern.match(text)
        if match:
            return (presence_of(match["names"], clause, bool(NEGATION.search(text)), asks_where=True),)
    match = _EITHER.match(text)
    if match:
        words = match["names"] or match["names_2"]
        entities = " or ".join(re.findall(ENTITY, words))
        return (presence_of(entities, clause),)
    return None


def _presence(text: str, clause: Clause) -> Question | None:
    for pattern in _PRESENCE:
        match = pattern.match(text)
        if match is None:
            continue
        words, rest = match["names"], match["rest"]
        negated = bool(NEGATION.search(text[: len(text) - len(rest)]))
        at = position(match.groupdict().get("position"))
        if not rest:
            return (presence_of(words, clause, negated, at),)
        start = match.start("rest")
        parts = _with_rest(words, rest, start, clause, negated, at)
        if parts is not None:
            return parts
    return None


def _with_rest(
    words: str, rest: str, start: int, clause: Clause, negated: bool, at: Position | None
) -> Question | None:
    """ "is Bo …" where more is asked than whether Bo is there."""
    match = _ALONE.match(rest)
    if match:
        behind = match["rest"].strip()
        behind = re.sub(rf"^(?:{HERE} ?)+(?={HERE}|$)", "", behind).strip()
        if not behind or re.fullmatch(HERE, behind):
            return (alone(words, clause, negated),)
        more = parts_of_rest(behind, start, clause)
        return None if more is None else (alone(words, clause, negated), *more)
    match = _WITH.match(rest)
    if match:
        there = presence_of(f"{words} and {match['others']}", clause, negated, at)
        return _and_more(there, match["rest"].strip(), start, clause) if match["rest"] else (there,)
    there = presence_of(words, clause, negated, at)
    if rest.startswith(" s "):
        return None
    if _SEEN_ACTION.match(rest):
        action = _ACTION_WITH_THING.match(rest)
        if not action:
            return None
        behind = rest.removeprefix(" ") if "ing " not in rest else rest.split("ing ", 1)[1]
        preposition = (
            rest.split(maxsplit=1)[0] if re.match(r"^ (?:wearing|holding|carrying|riding) ", rest) else ""
        )
        return _and_more(there, f"{preposition} {behind}".strip(), start, clause) if preposition else None
    return _and_more(there, rest.strip(), start, clause)


def _and_more(there: Presence, rest: str, start: int, clause: Clause) -> Question | None:
    more = parts_of_rest(rest, start, clause)
    if more is None:
        return None
    if all(isinstance(part, Colors) for part in more) and len(there.names) == 1 and not there.unknown_names:
        return tuple(
            Colors(there.names[0], is_name=True, asked=part.asked)
            for part in more
            if isinstance(part, Colors)
        )
    return (there, *more)


def _open(text: str, clause: Clause) -> Question | None:
    match = _OPEN.match(text)
    if match is None:
        return None
    names = clause.texts(_names(match), "k")
    if names:
        return (Told(names, clause.whole, is_open=True),)
    return (presence_of(_names(match), clause),) if "@u" in text else None


def _told(text: str, clause: Clause) -> Question | None:
    """What a photo cannot tell; "is Bo afraid of water?" as well, but not "is Bo eating?"."""
    match = _TOLD.match(text)
    relation = re.fullmatch(r"(?:who|what|how old|when|where) (?:is|was|are) (@r\d+)", text)
    if relation is not None:
        owned = clause.entity(relation[1]).text
        owners = tuple(
            entity.text for entity in clause.entities if entity.kind == "k" and owned.startswith(entity.text)
        )
        return (Told(owners, clause.whole),) if owners else None
    if match is None:
        match = re.match(rf"^(?:is|are|was|were)(?: not)? (?P<names>{ENTITIES}) (?P<rest>.+)$", text)
        if match is None or _SEEN_ACTION.match(f" {match['rest']}"):
            return None
    names = clause.texts(text, "k")
    return (Told(names, clause.whole),) if clause.texts(_names(match), "k") else None
