"""Wording about people, pets and things: names, forgetting, remembering, and who is known. Runs nothing."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re

from assistant.chat.router.outcome import (
    LIKELY,
    SURE,
    Outcome,
    Rule,
    Sentence,
    compiled,
    photo_slots,
    simple,
)
from assistant.chat.router.words import (
    A_CONCEPT,
    A_PHOTO,
    CAPITAL,
    NAME,
    NUMBERED,
    PHOTOS,
    THING,
)
from assistant.language.parse import CONCEPT

_NAME_OF = re.compile(
    r"^(?:the name|by the name of|el nombre|den namen|als|como)(?: de| of)? ", re.IGNORECASE
)
_ARTICLES = frozenset(
    [
        "the",
        "a",
        "an",
        "my",
        "your",
        "his",
        "her",
        "our",
        "their",
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "mein",
        "meine",
        "el",
        "la",
        "un",
        "una",
        "mi",
    ]
)
_GOES_ON = re.compile(
    r"(?:\s*[.!;]?\s+(?:(?:also|and|he|she|it|they|his|her|its|their|er|sie|es|él|ella|también|auch)\b|⟦concept⟧)[^?]*?(?=[.!]\s|[.!]*$))+",
    re.IGNORECASE,
)
"""Sentences that go on about the same one: "Bo eats seeds. Also he was found in Bonn"."""
_ANOTHER_NUMBER = re.compile(
    r"\b(?:and|und|y),? (?:number|group|nummer|gruppe|grupo|no\.?)? ?#?\d", re.IGNORECASE
)
_ORDERS = frozenset(
    ["forget", "delete", "remove", "undo", "merge", "split", "train", "draw", "find", "show", "rename"]
)
_NO_NAME = frozenset(
    [
        "after",
        "before",
        "it",
        "this",
        "that",
        "them",
        "him",
        "me",
        "you",
        "something",
        "someone",
        "somebody",
        "like",
        "as",
        "is",
        "to",
        "and",
        "or",
        "of",
        "for",
        "with",
        "not",
        "no",
        "what",
        "who",
        "how",
        "nach",
        "como",
    ]
)


def name_numbered(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    name = _NAME_OF.sub("", sentence.part(match, "name").text)
    if not looks_like_name(name):
        return Outcome(
            "clarify", {"wanted": "name_concept", "missing": "name", "id": int(match["id"])}, LIKELY
        )
    return Outcome("name_concept", {"id": int(match["id"]), "name": name}, SURE) if name else None


def looks_like_name(words: str) -> bool:
    """Whether words can be meant as somebody's name: not "the", not "after my brother", not "Tom or Tim"."""
    first, *rest = words.casefold().strip("\"'").split()[:2] or [""]
    alternatives = re.search(r"\b(?:or|maybe|oder|vielleicht|o)\b", words, re.IGNORECASE) is not None
    if alternatives and words != words.casefold().title():
        return False
    if _ANOTHER_NUMBER.search(words) or first in _ORDERS | _NO_NAME:
        return False
    return bool(first) and (bool(rest) or first not in _ARTICLES)


def rename(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    name = sentence.part(match, "name").text
    old = sentence.part(match, "old").text
    return Outcome("name_concept", {"concept": old, "name": name}, SURE) if name else None


def name_photo(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    if not sentence.photos or sentence.text.endswith("?"):
        return None
    name = sentence.part(match, "name").text
    known = "concept" if name in sentence.request.concepts else "name"
    return Outcome("name_concept", {known: name, **photo_slots(sentence.photos)}, LIKELY)


def forget(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    if CONCEPT in match["who"]:
        return Outcome("forget", {"concept": sentence.part(match, "who").text}, SURE)
    return Outcome("clarify", {"wanted": "forget", "missing": "concept"}, LIKELY)


def remember(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    start = sentence.start + match.start("text")
    more = _GOES_ON.match(sentence.request.skeleton, start + len(match["text"]))
    words = sentence.cut(match["text"] + (more[0] if more else ""), start)
    if words.mentions:
        return Outcome("remember", {"concept": words.mentions[0].name, "text": words.text}, SURE)
    return Outcome("clarify", {"wanted": "remember", "missing": "concept", "text": words.text}, LIKELY)


def take_back(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    """ "forget that Bo loves cheese": one note, not Bo."""
    words = sentence.part(match, "text")
    if not words.mentions:
        return None
    name = words.mentions[0].name
    rest = words.text.replace(name, " ").strip() or name
    return Outcome("remember", {"concept": name, "text": rest, "take_back": True}, SURE)


def _numbered_group(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    return None if sentence.photos else Outcome("list_concepts", {"id": int(match["id"])}, SURE)


CONCEPT_RULES: tuple[Rule, ...] = compiled(
    # name_concept
    (
        rf"^(?:call|name|label|tag|mark|rename) {NUMBERED} (?:as |to be |to |into |= ?)?(?P<name>.+)$",
        name_numbered,
    ),
    (
        rf"^(?:the name (?:of|for) )?{NUMBERED}(?:'s name)? (?:is|are|should be|shall be)(?: called| named| actually)?(?: (?:my|our)(?: \w+)?)? {NAME}[.!]*$",
        name_numbered,
    ),
    (rf"^{NUMBERED} (?:is|are) (?:called|named) (?P<name>.+)$", name_numbered),
    (
        rf"^(?:the |my |that )?(?:\w+ )?(?:guy|person|man|woman|girl|boy|kid|child|dog|cat|pet|thing|lady|one|baby|face) (?:in|of|from|with) {NUMBERED} (?:is|should be)(?: called| named)? (?:(?:my|our) (?:\w+ )?)?{NAME}[.!]*$",
        name_numbered,
    ),
    (r"^#?(?P<id>\d+) ?(?:=|:|->|→|is|means) ?(?P<name>(?-i:[A-ZÀ-Þ])[^?]*?)[.!]*$", name_numbered),
    (
        rf"^(?:it's|its|it is|the name is|that's|his name is|her name is) (?:spelled|spelt|written|called|really|actually) (?P<name>[^,.!?]+?),? (?:and )?not (?P<old>{A_CONCEPT})",
        rename,
    ),
    (rf"^rename (?P<old>{A_CONCEPT}) (?:to|as|into) (?P<name>.+)$", rename),
    (rf"^change (?P<old>{A_CONCEPT})(?:'s)? name to (?P<name>.+)$", rename),
    (rf"^(?:call|name) (?P<old>{A_CONCEPT}) (?P<name>(?-i:{CAPITAL}).*)$", rename),
    (
        rf"^(?:remember (?:that )?|learn (?:that )?)?(?:(?:this|that)(?: one| here| guy| dog| cat| person| woman| man)?|it|he|she|the \w+(?: here| there| in (?:this|the) (?:photo|picture)| in {A_PHOTO}| on the (?:left|right))|{A_PHOTO})(?:'s| is)(?: called| named)? (?:(?:my|our|the) (?:\w+ ){{0,2}}?)?{NAME}(?:,? (?:please |and )?(?:remember|learn|note|keep|save|call|that's).*)?[.!]*$",
        name_photo,
    ),
    (
        rf"^these are(?: all)?(?: {PHOTOS} of)? {NAME}(?:, (?:please )?(?:learn|remember) \w+)?[.!]*$",
        name_photo,
    ),
    (
        rf"^(?:meet|learn) (?:(?:my|our) (?:\w+ )?)?{NAME}(?: from| with| in)?(?: (?:this|these|that) (?:photos?|pictures?))?[: ]*(?:{A_PHOTO}[, and]*)*[.!]*$",
        name_photo,
    ),
    # forget, remember
    (
        rf"^(?:forget|delete|remove|take back|unlearn|vergiss|olvida)(?: (?:the|my) (?:note|fact|remark))?,? (?:that|what i (?:said|told you) about|dass|que) (?P<text>.*{A_CONCEPT}.*)$",
        take_back,
    ),
    (
        rf"^(?:forget|delete|erase|wipe|remove|unlearn|get rid of) (?:about |everything (?:you (?:know|have|learned|stored) )?(?:about|on) |all (?:data )?(?:about|on|of) |any trace of )*(?P<who>{A_CONCEPT})(?!.*\b(?:from|in) (?:{A_PHOTO}|(?:this|that|the|these) (?:photo|picture|image|pic|group|one)))",
        forget,
    ),
    (
        r"^(?:forget|unlearn) (?P<who>everyone|everybody|(?:all )?(?:my |the )?(?:people|family|pets|friends)|someone|somebody|a person|one of them|them(?: all)?|all of them)[.!]*$",
        forget,
    ),
    (r"^(?:forget|unlearn) (?P<who>him|her|them)[.!]*$", forget),
    (rf"^stop recogni[sz]ing (?P<who>{A_CONCEPT})", forget),
    (
        r"^(?:forget|unlearn) (?:about |everything (?:you know )?about |all about )*(?P<who>(?-i:[A-Z])\w+)[.!]*$",
        forget,
    ),
    (
        rf"^(?:remember|note(?: down)?|keep in mind|don't forget|do not forget|make a note|write down|take note|save)(?: that|:| of the fact that)* (?P<text>.*{A_CONCEPT}.+)$",
        remember,
    ),
    (r"^(?:remember|keep in mind|note|don't forget) that (?P<text>.+)$", remember),
    (
        rf"^(?:(?:fyi|for your information|you should know|just so you know|by the way|btw|note)[,:;]? (?:that )?)(?P<text>.*{A_CONCEPT}.+)$",
        remember,
    ),
    # What holds for long; "Bo is so cute" is small talk.
    (
        rf"^(?P<text>{A_CONCEPT} (?:is (?:about |almost |nearly )?(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?: and a half)? (?:years?|months?|weeks?)(?: old)?|was born|is (?:allergic|afraid|scared|frightened|terrified)|lives in|works (?:as|at|in|for)|weighs|(?:really |always |also )?(?:loves|hates|dislikes|prefers|likes|adores|can't stand|eats only|never eats|is called|comes from)|is (?:a|an) (?!good|great|bad|nice|lovely|bit|little|real|funny|silly|cute|sweet|pain|handful|star|darling|treasure|monster|genius|lot|big|very|total|mess)\w+|is (?:my|our) \w+(?:'s \w+)?|has (?:a |an |two |blue |brown |green |his |her )?(?:sister|brother|allergy|birthday|son|daughter|blue|brown|green|scar|chip))\b(?!.*\?).*|{A_CONCEPT}'s (?:birthday|favou?rite|full name|nickname|sister|brother|mother|father|owner|breed|wife|husband)\b.* (?:is|are|was)\b(?!.*\?).*)$",
        remember,
    ),
    (
        r"^(?:please )?remember (?:something|this|a (?:thing|fact))(?: for me| about (?:someone|somebody))?[.!?]*$",
        lambda _s, _m: Outcome("clarify", {"wanted": "remember", "missing": "concept", "text": ""}, LIKELY),
    ),
    # list_concepts
    (
        r"^(?:who(?:'s| are| is)|show(?: me)?|list) (?:all )?(?:my|our) (?:people|pets|animals|family|folks|friends|persons)[.!?]*$|^(?:show|list)(?: me)? (?:everyone|everybody|all names|the names|names)[.!?]*$|^(?:the )?names[.!?]*$|^everyone (?:that )?you know[.!?]*$",
        simple("list_concepts"),
    ),
    (
        rf"^(?:show|open|display|who is(?: in)?|who's(?: in)?|what is(?: in)?|what's in|tell me about)(?: me)? (?=group|number|cluster|person|pet|no\.|#){NUMBERED}[.!?]*$",
        _numbered_group,
    ),
    (
        r"^whom? (?:all |else )?do you (?:already )?(?:know|recogni[sz]e|remember)(?: so far| already| now| about)?[.!?]*$",
        simple("list_concepts"),
    ),
    (
        rf"^(?:what|which|how many) (?:\w+ )?{THING}(?:,? {THING}|,? (?:and|or) {THING})* (?:do you|have you|can you|are|did you|do i|does)\b",
        simple("list_concepts"),
    ),
    (
        r"^(?:who(?:'s| is| are| all is)|what(?:'s| is)) in (?:my|the|our) (?:photos|pictures|library|collection|album|photo library)\b",
        simple("list_concepts"),
    ),
    (
        rf"^(?:list|show)(?: me)?(?: us)?(?: all| the| my| known| named| every| of)* {THING}\b(?! (?:in|on) {A_PHOTO})",
        simple("list_concepts"),
    ),
    (
        r"^(?:list|show)(?: me)? (?:everyone|everybody|everything|all|who)(?: (?:that )?you(?:'ve| have)? (?:already )?(?:know|found|learned|recogni[sz]e))[.!?]*$",
        simple("list_concepts"),
    ),
    (
        r"^what (?:have you|did you) (?:learn(?:ed|t)?|f[io]und|recogni[sz]ed?)(?: so far| already| in my (?:photos|pictures|library))*[.!?]*$",
        simple("list_concepts"),
    ),
    (
        r"^who (?:have you|did you) (?:learn(?:ed|t)?|f[io]und|recogni[sz]ed?|met|meet)\b",
        simple("list_concepts"),
    ),
    (
        r"^what do you know(?: so far| already)?[.!?]*$|^(?:my |the |list )?(?:concepts|people|pets|things)[.!?]*$",
        simple("list_concepts"),
    ),
    (
        rf"^(?:what (?:do|did) you know (?:about|of)|what (?:can|could) you (?:tell me|say) about|tell me (?:more |something |everything )?about|who(?:'s| is)|what(?:'s| is)|describe|do you (?:know|remember|recogni[sz]e)|have you met) {A_CONCEPT}(?: so far| already| look like)?[.!?]*$",
        simple("list_concepts", LIKELY),
    ),
    (
        r"^(?:who|which|what|any|are there|show|list)\b.*\b(?:without (?:a )?names?|(?:has|have|with|got) no names?|(?:hasn't|haven't|not|never) .*\bname[ds]?|unnamed|unknown (?:people|faces|persons)|nameless|need a name)\b(?! in ⟦photo⟧)",
        simple("list_concepts"),
    ),
)
