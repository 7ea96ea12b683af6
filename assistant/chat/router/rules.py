"""Which wording leads to which tool, and the slots that are read from it. Runs nothing and keeps no state."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re

from assistant.chat.router.outcome import (
    EDGES,
    LIKELY,
    LOOSE,
    SURE,
    Intent,
    Outcome,
    OutcomeOf,
    Rule,
    Sentence,
    Slots,
    compiled,
    photo_slots,
)
from assistant.chat.router.words import (
    A_CONCEPT,
    A_PHOTO,
    ARTWORK,
    CAPITAL,
    COUNTS,
    NAME,
    NUMBERED,
    PHOTOS,
    PICTURE,
    THING,
    TRAILING,
)
from assistant.language.parse import CONCEPT, PHOTO

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


def _name_numbered(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    name = sentence.part(match, "name").text
    if not looks_like_name(name):
        return Outcome(
            "clarify", {"wanted": "name_concept", "missing": "name", "id": int(match["id"])}, LIKELY
        )
    return Outcome("name_concept", {"id": int(match["id"]), "name": name}, SURE) if name else None


def looks_like_name(words: str) -> bool:
    """Whether words can be meant as somebody's name: not "the", not "after my brother", not "Tom or Tim"."""
    first, *rest = words.casefold().strip("\"'").split()[:2] or [""]
    listed = re.search(r"\b(?:or|maybe|oder|vielleicht|o)\b", words, re.IGNORECASE) is not None
    return (
        bool(first)
        and first not in _NO_NAME
        and (bool(rest) or first not in _ARTICLES)
        and not (listed and words != words.casefold().title())
    )


def _rename(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    name = sentence.part(match, "name").text
    old = sentence.part(match, "old").text
    return Outcome("name_concept", {"concept": old, "name": name}, SURE) if name else None


def _name_photo(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    if not sentence.photos or sentence.text.endswith("?"):
        return None
    name = sentence.part(match, "name").text
    known = "concept" if name in sentence.request.concepts else "name"
    return Outcome("name_concept", {known: name, **photo_slots(sentence.photos)}, LIKELY)


def _forget(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    if CONCEPT in match["who"]:
        return Outcome("forget", {"concept": sentence.part(match, "who").text}, SURE)
    return Outcome("clarify", {"wanted": "forget", "missing": "concept"}, LIKELY)


def _remember(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    words = sentence.part(match, "text")
    if words.mentions:
        return Outcome("remember", {"concept": words.mentions[0].name, "text": words.text}, SURE)
    return Outcome("clarify", {"wanted": "remember", "missing": "concept", "text": words.text}, LIKELY)


def _simple(intent: Intent, confidence: float = SURE) -> OutcomeOf:
    def outcome(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
        if intent == "list_concepts" and sentence.photos:
            return None
        if intent != "find":
            return Outcome(intent, {}, confidence)
        query = sentence.request.part(sentence.text, sentence.start)
        return Outcome(intent, {"query": query.text}, confidence, query)

    return outcome


def _numbered_group(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    return None if sentence.photos else Outcome("list_concepts", {"id": int(match["id"])}, SURE)


_AFTER_PLEASE = re.compile(r",? (?:please|pls|bitte|por favor)\b[ ,].*$", re.IGNORECASE)
"""What somebody adds behind a wish is not to be drawn: "please, I miss him"."""


def _imagine(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    if sentence.photos and re.match(r"(?:see|show|spot|find|picture)\b", sentence.text, re.IGNORECASE):
        return None  # whether somebody is to be seen in it
    if re.fullmatch(rf"{A_PHOTO}|\S+\.\w{{3,4}}", match["prompt"].strip()):
        return None
    fragment, start = match["prompt"], sentence.start + match.start("prompt")
    prompt = TRAILING.sub("", _AFTER_PLEASE.sub("", fragment.replace(PHOTO, ""))).strip(EDGES)
    slots: Slots = {}
    seed = re.search(r"[\s,]*\b(?:(?:with|using) )?seed (?:of )?(\d+)$", prompt, re.IGNORECASE)
    if seed:
        slots["seed"] = int(seed[1])
        prompt = prompt[: seed.start()].strip()
    several = re.search(
        rf"[\s,]+(?P<count>{'|'.join(COUNTS)}|\d+) (?:{PICTURE}|times|versions)$", prompt, re.IGNORECASE
    )
    if several:
        number = several["count"].lower()
        slots["count"] = int(number) if number.isdigit() else COUNTS[number]
        prompt = prompt[: several.start()].strip()
    framed = re.match(
        rf"(?:me |us |up |for me )*(?P<count>{'|'.join(COUNTS)}|some|the|another|one more|\d+) ?(?:new |nice |little |quick )*"
        rf"{PICTURE}(?: (?P<of>of|with|where|showing|in which|that shows) (?P<what>.+))?$",
        prompt,
        re.IGNORECASE,
    )
    if framed:
        number = framed["count"].lower()
        count = int(number) if number.isdigit() else COUNTS.get(number, 1)
        if count > 1:
            slots["count"] = count
        prompt = framed["what"] or ""
    if not prompt or prompt.lower() in {
        "something",
        "anything",
        "nothing",
        "me",
        "me something",
        "it",
        "this",
        "that",
    }:
        return Outcome("clarify", {"wanted": "imagine", "missing": "prompt"}, LIKELY)
    # What stands in front of it names nobody, so that the names are the first ones from there.
    words = sentence.request.part(re.sub(r"^(?:me|us) ", "", prompt), start)
    return Outcome("imagine", {"prompt": words.text, **slots}, SURE, words)


RULES: tuple[Rule, ...] = compiled(
    # name_concept
    (
        rf"^(?:call|name|label|tag|mark|rename) {NUMBERED} (?:as |to be |to |into |= ?)?(?P<name>.+)$",
        _name_numbered,
    ),
    (
        rf"^(?:the name (?:of|for) )?{NUMBERED}(?:'s name)? (?:is|are|should be|shall be)(?: called| named| actually)?(?: (?:my|our)(?: \w+)?)? {NAME}[.!]*$",
        _name_numbered,
    ),
    (rf"^{NUMBERED} (?:is|are) (?:called|named) (?P<name>.+)$", _name_numbered),
    (
        rf"^(?:the |my |that )?(?:\w+ )?(?:guy|person|man|woman|girl|boy|kid|child|dog|cat|pet|thing|lady|one|baby|face) (?:in|of|from|with) {NUMBERED} (?:is|should be)(?: called| named)? (?:(?:my|our) (?:\w+ )?)?{NAME}[.!]*$",
        _name_numbered,
    ),
    (r"^#?(?P<id>\d+) ?(?:=|:|->|→|is|means) ?(?P<name>(?-i:[A-ZÀ-Þ])[^?]*?)[.!]*$", _name_numbered),
    (
        rf"^(?:it's|its|it is|the name is|that's|his name is|her name is) (?:spelled|spelt|written|called|really|actually) (?P<name>[^,.!?]+?),? (?:and )?not (?P<old>{A_CONCEPT})",
        _rename,
    ),
    (rf"^rename (?P<old>{A_CONCEPT}) (?:to|as|into) (?P<name>.+)$", _rename),
    (rf"^change (?P<old>{A_CONCEPT})(?:'s)? name to (?P<name>.+)$", _rename),
    (rf"^(?:call|name) (?P<old>{A_CONCEPT}) (?P<name>(?-i:{CAPITAL}).*)$", _rename),
    (
        rf"^(?:remember (?:that )?|learn (?:that )?)?(?:(?:this|that)(?: one| here| guy| dog| cat| person| woman| man)?|it|he|she|the \w+(?: here| there| in (?:this|the) (?:photo|picture)| in {A_PHOTO}| on the (?:left|right))|{A_PHOTO})(?:'s| is)(?: called| named)? (?:(?:my|our|the) (?:\w+ ){{0,2}}?)?{NAME}[.!]*$",
        _name_photo,
    ),
    (
        rf"^these are(?: all)?(?: {PHOTOS} of)? {NAME}(?:, (?:please )?(?:learn|remember) \w+)?[.!]*$",
        _name_photo,
    ),
    (
        rf"^(?:meet|learn) (?:(?:my|our) (?:\w+ )?)?{NAME}(?: from| with| in)?(?: (?:this|these|that) (?:photos?|pictures?))?[: ]*(?:{A_PHOTO}[, and]*)*[.!]*$",
        _name_photo,
    ),
    # forget, remember
    (
        rf"^(?:forget|delete|erase|wipe|remove|unlearn|get rid of) (?:about |everything (?:you (?:know|have|learned|stored) )?(?:about|on) |all (?:data )?(?:about|on|of) |any trace of )*(?P<who>{A_CONCEPT})(?!.*\b(?:from|in) (?:this|that|the|{A_PHOTO}))",
        _forget,
    ),
    (
        r"^(?:forget|unlearn) (?P<who>everyone|everybody|(?:all )?(?:my |the )?(?:people|family|pets|friends)|them(?: all)?|all of them)[.!]*$",
        _forget,
    ),
    (r"^(?:forget|unlearn) (?P<who>him|her|them)[.!]*$", _forget),
    (rf"^stop recogni[sz]ing (?P<who>{A_CONCEPT})", _forget),
    (
        r"^(?:forget|unlearn) (?:about |everything (?:you know )?about |all about )*(?P<who>(?-i:[A-Z])\w+)[.!]*$",
        _forget,
    ),
    (
        rf"^(?:remember|note(?: down)?|keep in mind|don't forget|do not forget|make a note|write down|take note|save)(?: that|:| of the fact that)* (?P<text>.*{A_CONCEPT}.+)$",
        _remember,
    ),
    (r"^(?:remember|keep in mind|note|don't forget) that (?P<text>.+)$", _remember),
    (
        rf"^(?:(?:fyi|for your information|you should know|just so you know|by the way|btw|note)[,:;]? (?:that )?)(?P<text>.*{A_CONCEPT}.+)$",
        _remember,
    ),
    # What holds for long; "Bo is so cute" is small talk.
    (
        rf"^(?P<text>{A_CONCEPT} (?:is (?:about |almost |nearly )?(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?: and a half)? (?:years?|months?|weeks?)(?: old)?|was born|is (?:allergic|afraid|scared|frightened|terrified)|lives in|works (?:as|at|in|for)|weighs|(?:really |always |also )?(?:loves|hates|dislikes|prefers|likes|adores|can't stand|eats only|never eats|is called|comes from)|is (?:my|our) \w+(?:'s \w+)?|has (?:a |an |two |blue |brown |green |his |her )?(?:sister|brother|allergy|birthday|son|daughter|blue|brown|green|scar|chip))\b(?!.*\?).*|{A_CONCEPT}'s (?:birthday|favou?rite|full name|nickname|sister|brother|mother|father|owner|breed|wife|husband)\b.* (?:is|are|was)\b(?!.*\?).*)$",
        _remember,
    ),
    (
        r"^(?:please )?remember (?:something|this|a (?:thing|fact))(?: for me| about (?:someone|somebody))?[.!?]*$",
        lambda _s, _m: Outcome("clarify", {"wanted": "remember", "missing": "concept", "text": ""}, LIKELY),
    ),
    # list_concepts
    (
        r"^(?:who(?:'s| are| is)|show(?: me)?|list) (?:all )?(?:my|our) (?:people|pets|animals|family|folks|friends|persons)[.!?]*$|^(?:show|list)(?: me)? (?:everyone|everybody|all names|the names|names)[.!?]*$|^(?:the )?names[.!?]*$|^everyone (?:that )?you know[.!?]*$",
        _simple("list_concepts"),
    ),
    (
        rf"^(?:show|open|display|who is(?: in)?|who's(?: in)?|what is(?: in)?|what's in|tell me about)(?: me)? (?=group|number|cluster|person|pet|no\.|#){NUMBERED}[.!?]*$",
        _numbered_group,
    ),
    (
        r"^whom? (?:all |else )?do you (?:already )?(?:know|recogni[sz]e|remember)(?: so far| already| now| about)?[.!?]*$",
        _simple("list_concepts"),
    ),
    (
        rf"^(?:what|which|how many) (?:\w+ )?{THING}(?:,? {THING}|,? (?:and|or) {THING})* (?:do you|have you|can you|are|did you|do i|does)\b",
        _simple("list_concepts"),
    ),
    (
        r"^(?:who(?:'s| is| are| all is)|what(?:'s| is)) in (?:my|the|our) (?:photos|pictures|library|collection|album|photo library)\b",
        _simple("list_concepts"),
    ),
    (
        rf"^(?:list|show)(?: me)?(?: us)?(?: all| the| my| known| named| every| of)* {THING}\b(?! (?:in|on) {A_PHOTO})",
        _simple("list_concepts"),
    ),
    (
        r"^(?:list|show)(?: me)? (?:everyone|everybody|everything|all|who)(?: (?:that )?you(?:'ve| have)? (?:already )?(?:know|found|learned|recogni[sz]e))[.!?]*$",
        _simple("list_concepts"),
    ),
    (
        r"^what (?:have you|did you) (?:learn(?:ed|t)?|f[io]und|recogni[sz]ed?)(?: so far| already| in my (?:photos|pictures|library))*[.!?]*$",
        _simple("list_concepts"),
    ),
    (
        r"^who (?:have you|did you) (?:learn(?:ed|t)?|f[io]und|recogni[sz]ed?|met|meet)\b",
        _simple("list_concepts"),
    ),
    (
        r"^what do you know(?: so far| already)?[.!?]*$|^(?:my |the |list )?(?:concepts|people|pets|things)[.!?]*$",
        _simple("list_concepts"),
    ),
    (
        rf"^(?:what (?:do|did) you know (?:about|of)|what (?:can|could) you (?:tell me|say) about|tell me (?:more |something |everything )?about|who(?:'s| is)|what(?:'s| is)|describe|do you (?:know|remember|recogni[sz]e)|have you met) {A_CONCEPT}(?: so far| already| look like)?[.!?]*$",
        _simple("list_concepts", LIKELY),
    ),
    (
        r"^(?:who|which|what|any|are there|show|list)\b.*\b(?:without (?:a )?names?|(?:has|have|with|got) no names?|(?:hasn't|haven't|not|never) .*\bname[ds]?|unnamed|unknown (?:people|faces|persons)|nameless|need a name)\b(?! in ⟦photo⟧)",
        _simple("list_concepts"),
    ),
    # find
    (
        rf"^(?:where's|where is|where are|where did i put|what happened to) (?:the|my|that|those|our) (?:{PHOTOS}|photo|picture|pic|image|foto|selfie|shot)\b",
        _simple("find"),
    ),
    (
        rf"^(?:show|find|see|get|give)(?: me| us)? (?:everything|anything|all|stuff|whatever)(?: (?:you have|there is|i have|we have))? (?:with|of|from|about|on|where) (?=.*{A_CONCEPT})",
        _simple("find"),
    ),
    (
        r"^(?:find|search(?: for)?|look for) (?!out\b|it\b|me\b|that\b|my (?:keys|phone|glasses|wallet)|happiness|a (?:way|job|solution)|time|peace|something|someone|the (?:answer|reason|time))(?:\w+ ){0,2}\w+[.!]*$",
        _simple("find", LOOSE),
    ),
    (
        rf"^(?:find|search(?: for| through)?|look for|look up|fetch|pull up|bring up|dig (?:out|up)|locate|get(?! rid))\b(?: me)?(?=.*(?:{A_CONCEPT}|\b{PHOTOS}\b|\b(?:photo|picture|pic)\b))(?! (?:a|an|me) {ARTWORK})",
        _simple("find"),
    ),
    (
        rf"^(?:show|see|open|display|i (?:want|would like|'d like) to see)(?: me| us)?(?: all| every| some| the| my| any| our| more| of| last| latest| recent| \w+)*? {PHOTOS}\b",
        _simple("find"),
    ),
    (
        r"^(?:show)(?: me| us)? (?:a|the|my|another|any|our|that|last|latest)(?: \w+)? (?:photo|picture|pic|image|shot|selfie) ",
        _simple("find"),
    ),
    (rf"^(?:show|tell)(?: me| us)? where {A_CONCEPT}", _simple("find")),
    (
        rf"^(?:show)(?: me| us)? {A_CONCEPT}(?: (?:at|in|on|from|with|and|last|when|again)\b.*)?[.!?]*$",
        _simple("find"),
    ),
    (
        rf"^(?:do (?:i|we|you) have|are there|is there|have (?:i|we) got|got|any)\b.*\b(?:{PHOTOS}|photo|picture|pic|image)\b",
        _simple("find"),
    ),
    (
        rf"^(?:which|what|how many|where are|where is|in which|in how many|on which)(?: of| the| my| all| our)* (?:{PHOTOS}|photo|picture)\b(?! {A_PHOTO})",
        _simple("find"),
    ),
    (
        rf"^(?:when|where) (?:did|have|was|were) (?:i|we|you|{A_CONCEPT})\b.*(?:{A_CONCEPT}|\blast\b.*\bseen?\b)",
        _simple("find"),
    ),
    (
        rf"^(?:when|where) (?:was|were) {A_CONCEPT}(?: and {A_CONCEPT})*(?: last| first)? (?:seen|photographed|in|at|on|with|there|together|near)\b|^where(?:'s| is| are) {A_CONCEPT}.* in (?:my|the|our) (?:{PHOTOS}|library|collection)",
        _simple("find"),
    ),
    (
        rf"^(?:the |my |our )*(?:last|latest|newest|most recent|first|oldest|earliest) (?:photo|picture|pic|image|shot|snap|{PHOTOS}) (?:of|with|from|that|taken|where|showing)\b",
        _simple("find"),
    ),
    (r"^search(?: (?:my|our|the|all) \w+)? for \w", _simple("find")),
    (
        r"^(?:zeige?|such[e]?|finde?)(?: mir| uns)? .*\b(?:fotos?|bilder?|aufnahmen?)\b|^(?:muéstrame|muestrame|enséñame|ensename|muestra|busca|encuentra)\b.*\b(?:fotos?|imágenes|imagenes)\b",
        _simple("find"),
    ),
    (
        rf"^(?:wann|wo) (?:habe?n?|war) .*(?:{A_CONCEPT}.*\b(?:zuletzt|gesehen)|\bzuletzt\b.*{A_CONCEPT})|^(?:cuándo|cuando|dónde|donde) vi(?:mos)? .*{A_CONCEPT}",
        _simple("find"),
    ),
    (
        rf"^(?:all |my |the |every |any |only |some )*{PHOTOS} (?:of|with|without|from|where|showing|in|at|on|near|by|before|after|since|during|around|taken|that|nobody)\b",
        _simple("find"),
    ),
    (
        rf"^{NUMBERED} (?:is|are) (?:a|an|the) \w+[.!]*$",
        lambda _s, m: Outcome(
            "clarify", {"wanted": "name_concept", "missing": "name", "id": int(m["id"])}, LIKELY
        ),
    ),
    (
        rf"^(?:re)?name (?P<old>{A_CONCEPT})[.!]*$",
        lambda s, m: Outcome(
            "clarify", {"wanted": "name_concept", "missing": "name", "concept": s.part(m, "old").text}, LIKELY
        ),
    ),
    # imagine
    (
        r"^(?:draw|paint|sketch|doodle|illustrate|depict|visuali[sz]e|imagine)(?:ing)?(?: me| us)?(?: a picture)?[.!?]*$",
        lambda _s, _m: Outcome("clarify", {"wanted": "imagine", "missing": "prompt"}, LIKELY),
    ),
    (r"^(?:draw|paint|sketch|doodle|illustrat|depict|visuali[sz])(?:e|ing)?\b(?P<prompt>.+)$", _imagine),
    (
        rf"^(?:imagin|pictur|render|envision)(?:e|ing)? (?P<prompt>(?:(?:a|an|the|some|two|three|my|our|me) .*|.*{A_CONCEPT}.*|(?-i:{CAPITAL}).+))$",
        _imagine,
    ),
    (
        rf"^(?:generat|creat|mak|produc|design|craft|prepar|do(?= me\b))(?:e|ing)?(?: me| us)? (?P<prompt>(?:.*\b{PICTURE}\b|(?:a|an|some|two|three) .*{A_CONCEPT}).*)$",
        _imagine,
    ),
    (rf"^(?:new|another) {PICTURE}: ?(?P<prompt>.+)$", _imagine),
    (
        rf"^(?:make|turn|put|place|dress|transform|send|teleport|see|show(?: me| us)?) (?P<prompt>{A_CONCEPT} (?:as|into|a|an|look|wear|fly|rid|on|in|up|to|at|with|like|inside|under|next|among|\w+ing).*)$",
        _imagine,
    ),
    (
        rf"^(?:give|get|send|bring|show|hand)(?: me| us)? (?P<prompt>(?:a|an|another|one more|two|three|four|some|\d+) (?:\w+ ){{0,2}}{ARTWORK}\b.*)$",
        _imagine,
    ),
    (
        rf"^(?:give|send|bring|hand)(?: me| us)? (?P<prompt>(?:a|an|another|one more|two|three|four|\d+) (?:\w+ ){{0,2}}{PICTURE}\b.*)$",
        _imagine,
    ),
    (
        rf"^(?:i|we) (?:want|need|wish for|would (?:like|love)|wanna)(?: to)?(?: see| have| get)? (?P<prompt>(?:a|an|another|one more|two|three|some|\d+) (?:\w+ ){{0,2}}{PICTURE}\b.*)$",
        _imagine,
    ),
    (
        rf"^(?:i|we)(?:'d| would) (?:like|love)(?: to)?(?: see| have| get)? (?P<prompt>(?:a|an|another|one more|two|three|some|\d+) (?:\w+ ){{0,2}}{PICTURE}\b.*)$",
        _imagine,
    ),
    (
        rf"^(?:i|we)(?: (?:want|wish|wanna)|(?:'d| would) (?:like|love)) (?:to )?see (?P<prompt>{A_CONCEPT} \w+.*)$",
        _imagine,
    ),
    (
        rf"^(?:can|could|may) (?:i|we) (?:please )?(?:have|get|see) (?P<prompt>(?:a|an|another) (?:\w+ ){{0,2}}{PICTURE}\b.*)$",
        _imagine,
    ),
    (rf"^(?:what|how) (?:would|might|will|could) (?P<prompt>{A_CONCEPT} look .+)$", _imagine),
    (rf"^how about (?P<prompt>(?:(?:a|an) (?:\w+ ){{0,2}}{PICTURE}\b|{A_CONCEPT} \w+).*)$", _imagine),
    (
        rf"^(?P<prompt>(?:a|an|another|one more|two|three) (?:\w+ ){{0,3}}{PICTURE} (?:of|with|showing|where) .+)$",
        _imagine,
    ),
)

# Words that point to a tool anywhere in a sentence that is not a plain statement about something else.
LOOSE_RULES: tuple[Rule, ...] = compiled(
    (rf"\brename (?P<old>{A_CONCEPT}) (?:to|as|into) (?P<name>[^,.!?]+)", _rename),
    (r"\b(?:give|assign) " + NUMBERED + r" the name (?P<name>[^,.!?]+)", _name_numbered),
    (
        rf"^(?P<text>.*{A_CONCEPT}.*?)[\s,;:-]+(?:so |and )?(?:please )?(?:remember|note|don't forget|keep|bear)(?: that| this| it)?(?: in mind)?(?: please)?[.!]*$",
        _remember,
    ),
    (
        rf"\b(?:{THING}|everyone|everybody|anyone|who|all) (?:that |who )?(?:you|u) (?:already )?(?:know|recogni[sz]e|have|found|learned)\b"
        r"|\b(?:learned|recogni[sz]ed?|found|met) (?:anyone|anybody|someone|any "
        + THING
        + r")\b(?! (?:in|on|here))",
        _simple("list_concepts", LOOSE),
    ),
    (
        rf"^what(?:'s| is) (?:the story|up|the deal|known) (?:with|about|of) {A_CONCEPT}",
        _simple("list_concepts", LOOSE),
    ),
    (
        rf"\b(?:looking|searching|hunting) for\b.*(?:{A_CONCEPT}|\b(?:{PHOTOS}|photo|picture|pic)\b)",
        _simple("find", LOOSE),
    ),
    (
        rf"{A_CONCEPT}(?:'s?)? (?:latest |last |best |newest |old )?{PHOTOS}\b|\b{PHOTOS} (?:of|with|where|from|featuring)\b.*{A_CONCEPT}",
        _simple("find", LOOSE),
    ),
    (
        rf"\b(?P<prompt>(?:(?:a|an|some|another|one|two|three) (?:\w+ ){{0,2}})?(?:{ARTWORK}|card|scene|wallpaper|postcard|avatar|picture|image)"
        rf" (?:of|with|showing|where|featuring) .*{A_CONCEPT}.*)$",
        _imagine,
    ),
    (rf"\b(?:drawing|painting|sketching) (?P<prompt>.*{A_CONCEPT}.*)$", _imagine),
    (
        rf"^(?P<prompt>{A_CONCEPT},? (?:but|as|in the style of|dressed as|riding|wearing|flying|surfing|dancing) .+)$",
        _imagine,
    ),
)
