"""Wording that finds photos and draws, and looser wording for every tool; the slots that are read. Runs nothing."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re

from assistant.chat.router.concept_rules import name_numbered, remember, rename
from assistant.chat.router.outcome import (
    EDGES,
    LIKELY,
    LOOSE,
    SURE,
    Outcome,
    Rule,
    Sentence,
    Slots,
    compiled,
    simple,
)
from assistant.chat.router.words import (
    A_CONCEPT,
    A_PHOTO,
    ARTWORK,
    CAPITAL,
    COUNTS,
    NUMBERED,
    PHOTOS,
    PICTURE,
    STYLE,
    THING,
    TRAILING,
)
from assistant.language.parse import PHOTO

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
        # "as a painting" is no number of them.
        rf"(?<!\bas)(?<!\blike)(?<!\bcomo)[\s,]+(?P<count>{'|'.join(COUNTS)}|\d+) (?:{PICTURE}|times|versions)$",
        prompt,
        re.IGNORECASE,
    )
    if several:
        number = several["count"].lower()
        slots["count"] = int(number) if number.isdigit() else COUNTS[number]
        prompt = prompt[: several.start()].strip()
    framed = re.match(
        rf"(?:me |us |up |for me )*(?P<count>{'|'.join(COUNTS)}|some|the|another|one more|\d+) ?(?:new |nice |little |quick )*"
        rf"(?P<kind>{PICTURE})(?: (?P<of>of|with|where|showing|in which|that shows) (?P<what>.+))?$",
        prompt,
        re.IGNORECASE,
    )
    if framed:
        number = framed["count"].lower()
        count = int(number) if number.isdigit() else COUNTS.get(number, 1)
        if count > 1:
            slots["count"] = count
        is_style = STYLE.fullmatch(framed["kind"]) is not None and framed["what"]
        prompt = prompt[framed.start("kind") :] if is_style else framed["what"] or ""
    if not prompt or prompt.lower() in {
        "something",
        "smth",
        "sth",
        "whatever",
        "nothing",
        "anything",
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
    (
        r"^(?:find|show|get|give|fetch)(?: me| us)? (?:the|those|all the|all those|only the) ones? (?:where|with|from|that|of|in|at|on|when|who|which)\b",
        simple("find"),
    ),
    # find
    (
        rf"^(?:where's|where is|where are|where did i put|what happened to) (?:the|my|that|those|our) (?:{PHOTOS}|photo|picture|pic|image|foto|selfie|shot)\b",
        simple("find"),
    ),
    (
        r"^(?:show|find|see|get|give)(?: me| us)? (?:everything|anything|all|stuff|whatever)(?: (?:you have|there is|i have|we have))? (?:with|of|from|on|where|in|at|that shows) (?!me\b|you\b)(?=\S)",
        simple("find"),
    ),
    (
        r"^(?:find|search(?: for)?|look for) (?!out\b|it\b|me\b|that\b|my (?:keys|phone|glasses|wallet)|happiness|a (?:way|job|solution)|time|peace|something|someone|the (?:answer|reason|time))(?:\w+ ){0,2}\w+[.!]*$",
        simple("find", LOOSE),
    ),
    (
        rf"^(?:find|search(?: for| through)?|look for|look up|fetch|pull up|bring up|dig (?:out|up)|locate|get(?! rid))\b(?: me)?(?=.*(?:{A_CONCEPT}|\b{PHOTOS}\b|\b(?:photo|picture|pic)\b))(?! (?:a|an|me) {ARTWORK})",
        simple("find"),
    ),
    (
        rf"^(?:show|see|open|display|i (?:want|would like|'d like) to see)(?: me| us)?(?: all| every| some| the| my| any| our| more| of| last| latest| recent| \w+)*? {PHOTOS}\b",
        simple("find"),
    ),
    (
        r"^(?:show)(?: me| us)? (?:a|the|my|another|any|our|that|last|latest)(?: \w+)? (?:photo|picture|pic|image|shot|selfie) ",
        simple("find"),
    ),
    (rf"^(?:show|tell)(?: me| us)? where {A_CONCEPT}", simple("find")),
    (
        rf"^(?:show)(?: me| us)? {A_CONCEPT}(?: (?:at|in|on|from|with|and|last|when|again)\b.*)?[.!?]*$",
        simple("find"),
    ),
    (
        rf"^(?:do (?:i|we|you) have|are there|is there|have (?:i|we) got|got|any)\b.*\b(?:{PHOTOS}|photo|picture|pic|image)\b",
        simple("find"),
    ),
    (
        rf"^(?:which|what|how many|where are|where is|in which|in how many|on which)(?: of| the| my| all| our)* (?:{PHOTOS}|photo|picture)\b(?! {A_PHOTO})",
        simple("find"),
    ),
    (
        rf"^(?:when|where) (?:did|have|was|were) (?:i|we|you|{A_CONCEPT})\b.*(?:{A_CONCEPT}|\blast\b.*\bseen?\b)",
        simple("find"),
    ),
    (
        rf"^(?:when|where) (?:was|were) {A_CONCEPT}(?: and {A_CONCEPT})*(?: last| first)? (?:seen|photographed|in|at|on|with|there|together|near)\b|^where(?:'s| is| are) {A_CONCEPT}.* in (?:my|the|our) (?:{PHOTOS}|library|collection)",
        simple("find"),
    ),
    (
        rf"^(?:the |my |our )*(?:last|latest|newest|most recent|first|oldest|earliest) (?:photo|picture|pic|image|shot|snap|{PHOTOS}) (?:of|with|from|that|taken|where|showing)\b",
        simple("find"),
    ),
    (r"^search(?: (?:my|our|the|all) \w+)? for \w", simple("find")),
    (
        r"^(?:zeige?|such[e]?|finde?)(?: mir| uns)? .*\b(?:fotos?|bilder?|aufnahmen?)\b|^(?:muéstrame|muestrame|enséñame|ensename|muestra|busca|encuentra)\b.*\b(?:fotos?|imágenes|imagenes)\b",
        simple("find"),
    ),
    (
        rf"^(?:wann|wo) (?:habe?n?|war) .*(?:{A_CONCEPT}.*\b(?:zuletzt|gesehen)|\bzuletzt\b.*{A_CONCEPT})|^(?:cuándo|cuando|dónde|donde) vi(?:mos)? .*{A_CONCEPT}",
        simple("find"),
    ),
    (
        rf"^(?:all |my |the |every |any |only |some )*{PHOTOS} (?:of|with|without|from|where|showing|in|at|on|near|by|before|after|since|during|around|taken|that|nobody)\b",
        simple("find"),
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
    (rf"\brename (?P<old>{A_CONCEPT}) (?:to|as|into) (?P<name>[^,.!?]+)", rename),
    (r"\b(?:give|assign) " + NUMBERED + r" the name (?P<name>[^,.!?]+)", name_numbered),
    (
        rf"^(?P<text>.*{A_CONCEPT}.*?)[\s,;:-]+(?:so |and )?(?:please )?(?:remember|note|don't forget|keep|bear)(?: that| this| it)?(?: in mind)?(?: please)?[.!]*$",
        remember,
    ),
    (
        rf"\b(?:{THING}|everyone|everybody|anyone|who|all) (?:that |who )?(?:you|u) (?:already )?(?:know|recogni[sz]e|have|found|learned)\b"
        r"|\b(?:learned|recogni[sz]ed?|found|met) (?:anyone|anybody|someone|any "
        + THING
        + r")\b(?! (?:in|on|here))",
        simple("list_concepts", LOOSE),
    ),
    (
        rf"^what(?:'s| is) (?:the story|up|the deal|known) (?:with|about|of) {A_CONCEPT}",
        simple("list_concepts", LOOSE),
    ),
    (
        rf"\b(?:looking|searching|hunting) for\b.*(?:{A_CONCEPT}|\b(?:{PHOTOS}|photo|picture|pic)\b)",
        simple("find", LOOSE),
    ),
    (
        rf"{A_CONCEPT}(?:'s?)? (?:latest |last |best |newest |old )?{PHOTOS}\b|\b{PHOTOS} (?:of|with|where|from|featuring)\b.*{A_CONCEPT}",
        simple("find", LOOSE),
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
