"""Wording that puts groups right, takes back and trains: confirm, reject, merge, split, undo, train. Runs nothing."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re

from assistant.chat.router.outcome import (
    LIKELY,
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
from assistant.chat.router.words import A_CONCEPT, A_PHOTO, THING

NUMBER = r"(?:(?:the |el |la |los |die |der |das |den )?(?:(?:person|pet|thing|face|group|cluster|concept|number|no\.?|nr\.?|gruppe|nummer|grupo|número|numero)\s*)?)#?\s*(?:\d+)"
ONE = rf"(?:{A_CONCEPT}|{NUMBER})"
"""Somebody named, or a group by its number."""
SAME = (
    rf"(?:(?:really |actually |all |both )?(?:the )?(?:very )?same(?: (?:{THING}|person|dog|cat|pet|animal|one|man|woman|girl|boy|thing|guy|kid|individual))?"
    r"|one and the same(?: \w+)?|identical|(?:actually |really )?one (?:person|dog|cat|pet|animal|thing))"
)
THIS_PHOTO = rf"(?:{A_PHOTO}|(?:this|that|the)(?: last| same)?(?: (?:photo|picture|image|pic|one|shot))?|it|here|there|(?:diesem|dem|das|diesen)(?: (?:foto|bild))?|(?:esta|esa|la) foto)"
NOT = r"(?:not|isn't|is not|ain't|isnt|wasn't|was not|never)"


_APART = re.compile(
    r"\b(?:take (?:it|them|this|these) out|split|separate\w*|divide|apart|(?:of|in) (?:its|their|his|her) own|own (?:group|person)|new (?:group|person|one)|mixed (?:up )?"
    r"(?:two|different)|two (?:different )?(?:people|persons|dogs|cats)|out of (?:the )?(?:group|⟦concept⟧)|trenn\w*|teil\w*|separa\w*"
    r"|eigene gruppe|grupo (?:propio|nuevo|aparte))\b|out of ⟦concept⟧",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not|no|nope|never|isn'?t|wasn'?t|aren'?t|ain'?t|don'?t|doesn'?t|nothing to do|wrong|mistake\w*|mistook|someone else|somebody else"
    r"|remove|untag|off|nicht|kein\w*|nein|falsch|verwechsel\w*|jemand ander\w*|no es|equivoc\w*|nunca|otra persona|quita)\b",
    re.IGNORECASE,
)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text.replace(A_PHOTO, ""))]


def _photos_or_ask(intent: Intent, sentence: Sentence, confidence: float) -> Outcome:
    slots: Slots = {"concept": sentence.request.concepts[0]} if sentence.request.concepts else {}
    if not slots:
        numbers = _numbers(sentence.text)
        if not numbers:
            return Outcome("clarify", {"wanted": intent, "missing": "concept"}, LIKELY)
        slots = {"id": numbers[0]}
    if sentence.photos:
        return Outcome(intent, slots | photo_slots(sentence.photos), confidence)
    if intent == "split":
        return Outcome("split", slots, LIKELY)  # which photos is asked then
    return Outcome("clarify", {**slots, "wanted": intent, "missing": "photo"}, LIKELY)


def _about_photo(intent: Intent, confidence: float = SURE) -> OutcomeOf:
    """Of a concept in a photo; which photo is asked for where none is named."""

    def outcome(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
        return None if sentence.text.endswith("?") else _photos_or_ask(intent, sentence, confidence)

    return outcome


def merge_outcome(sentence: Sentence, match: re.Match[str] | None = None) -> Outcome:
    """The two that are to be one."""
    names = list(dict.fromkeys(sentence.request.concepts))
    numbers = _numbers(match[0] if match is not None else sentence.text)
    if len(names) >= 2:
        return Outcome("merge", {"concept": names[0], "concepts": names}, SURE)
    if names and numbers:
        return Outcome("merge", {"concept": names[0], "ids": numbers[:1]}, SURE)
    if len(numbers) >= 2:
        return Outcome("merge", {"ids": numbers[:2]}, SURE)
    slots: Slots = {"concept": names[0]} if names else {}
    return Outcome("clarify", {**slots, "wanted": "merge", "missing": "concept"}, LIKELY)


def about_named_photo(sentence: Sentence) -> Outcome | None:
    """A statement about somebody named and a photo: that it shows them, or not, or shows somebody else as well."""
    known = sentence.request.concepts or re.search(
        r"(?:group|gruppe|grupo|number|nummer|cluster) #?\d", sentence.text, re.IGNORECASE
    )
    if not sentence.photos or not known:
        return None
    if _APART.search(sentence.text):
        return _photos_or_ask("split", sentence, LIKELY)
    return _photos_or_ask("reject" if _DENIES.search(sentence.text) else "confirm", sentence, LIKELY)


def _somebody_else(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    """Who it is, and who it is not, where that was said as well."""
    names = sentence.request.concepts
    if sentence.text.rstrip().endswith("?") or not names:
        return None
    slots: Slots = {"concept": names[-1]}
    if len(names) > 1 and names[0] != names[-1]:
        slots["instead_of"] = names[0]
    if sentence.photos:
        return Outcome("confirm", slots | photo_slots(sentence.photos), LIKELY)
    return Outcome("clarify", {**slots, "wanted": "confirm", "missing": "photo"}, LIKELY)


def _merge(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    return None if sentence.text.endswith("?") else merge_outcome(sentence, match)


def train_outcome(sentence: Sentence, match: re.Match[str] | None = None) -> Outcome:
    """Whom or what to train."""
    if sentence.request.concepts:
        return Outcome("train", {"concept": sentence.request.concepts[0]}, SURE)
    return Outcome("clarify", {"wanted": "train", "missing": "concept"}, LIKELY)


def _reject_somebody(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    return Outcome("clarify", {"wanted": "reject", "missing": "concept"}, LIKELY)


def _train(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    return None if sentence.photos else train_outcome(sentence)


def _undo(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    return Outcome("undo", {}, SURE)


CORRECTION_RULES: tuple[Rule, ...] = compiled(
    # undo
    (
        r"^(?:oops,? |ups,? |no,? |wait,? )*(?:undo|un-do)(?: (?:it|that|this|the|my|your|last|previous|latest|change|changes|thing|step|action|one|what|i|you|we|just|did|done|have|had|has|been|wrong|again|all|of|naming|merge|merging|split|correction|a)\b)*(?: (?:merge|naming|rename|renaming|split|confirmation|rejection|training))?[.!?]*$",
        _undo,
    ),
    (
        r"^(?:(?:i made a mistake,? )?take (?:that|it|this|the last (?:one|change|step|thing))(?: one)? back|take back (?:that|it|the last (?:one|change|step|thing)|what (?:i|you|we) (?:just )?did)|revert(?: (?:it|that|this|the last (?:one|change|step|thing)))?|roll(?: (?:it|that))? back(?: the last \w+)?|(?:cancel|revert|reverse) (?:my|the|that|your) (?:last )?(?:change|step|merge|merging|naming|rename|split|confirmation|rejection)|go back|put (?:it|that) back(?: (?:as|how|the way) it was)?|go back one step|reverse (?:that|it|the last (?:one|change|step)))[.!]*$",
        _undo,
    ),
    (
        r"^(?:(?:mach|mache|kannst du|bitte|das|es|die letzte änderung|den letzten schritt)[ ,]*)*(?:wieder )?rückgängig(?: machen)?[.!?]*$|^nimm (?:das|es)(?: wieder)? zurück[.!]*$|^(?:deshaz|deshacer|deshazlo|revierte|revertir|anula)(?: (?:eso|esto|lo último|el último cambio|la última acción|el cambio))?[.!]*$",
        _undo,
    ),
    # train
    (
        rf"^(?:please )?(?:re-?train|train|learn|study|practi[sc]e|start (?:the )?(?:training|learning)(?: (?:of|on|for|with))?|run (?:the |a )?training (?:of|on|for)|begin (?:training|learning)|teach yourself|get to know) (?:yourself )?(?:on |about |to (?:draw|recogni[sz]e|know) )?(?:more about )?{A_CONCEPT}(?: (?:again|now|better|properly|once more|anew|from scratch|well|first|a bit|a little|some|more|harder|please))*[.!?]*$",
        _train,
    ),
    (
        rf"^(?:make|let|have) (?:the model|yourself|familiar) (?:learn|train|study)(?: on)? {A_CONCEPT}",
        _train,
    ),
    (rf"^(?:learn|study|get to know|find out) (?:what|how|who) {A_CONCEPT} (?:looks?|is)\b", _train),
    (rf"^(?:start|run|begin|do|launch)(?: a| the)? {A_CONCEPT}(?:'s)? training[.!]*$", _train),
    (
        r"^(?:please )?(?:re-?train|start training|start (?:the|a|some) training|begin (?:the|a) training|train (?:it|him|her|them|someone|somebody|everyone|a concept|the model))(?: now| again)?[.!]*$|^train[.!]*$",
        _train,
    ),
    (
        rf"^(?:trainier(?:e|en)?|lern(?:e|en)?|übe?|starte das training (?:von|für|mit)) (?:bitte |jetzt |mal )*(?:auf )?{A_CONCEPT}(?: (?:neu|jetzt|noch einmal|nochmal|bitte|besser|kennen|nochmals))*[.!]*$",
        _train,
    ),
    (rf"^kannst du (?:bitte )?{A_CONCEPT} (?:neu )?(?:trainieren|lernen)[.!?]*$", _train),
    (
        rf"^(?:entrena|reentrena|aprende|vuelve a entrenar|empieza a entrenar)(?:te)? (?:a |con )?{A_CONCEPT}(?: (?:ahora|de nuevo|otra vez|por favor|mejor))*[.!]*$",
        _train,
    ),
    # merge
    (
        rf"^(?:merge|combine|join|unite|unify|fuse|put|group|lump|link|match)(?: together)?(?: the)?(?: groups?| concepts?| {THING})? {ONE}(?: (?:and|n|with|into|to|&|,|\+) {ONE}| {ONE})+(?: (?:together|into one|as one|up|please|are the same|in one(?: group)?|to one))*[.!?]*$",
        _merge,
    ),
    (
        rf"^(?:merge|combine|unify)(?: (?:them|these|those|the|two|groups?|people|pets|both|it|some|somebody|someone|with|into|one))*(?: {ONE})?[.!]*$",
        _merge,
    ),
    (
        rf"^(?:groups? |numbers? |concepts? )?{ONE}(?:,| and| n| und| y| e| &) (?:group |number )?{ONE} (?:are|is|sind|son|show|both show|must be|belong) (?:{SAME}(?: lol| haha| guys?)?|together|derselbe|dieselbe|dasselbe|die ?selbe(?: person| katze)?|der ?selbe(?: hund| mensch)?|der gleiche(?: hund| mensch)?|die gleiche(?: person| katze)?|das gleiche(?: tier)?|gleich|ein und (?:derselbe|dieselbe|dasselbe)|(?:el mismo|la misma|lo mismo|los mismos|las mismas)(?: \w+)?|iguales)[.!]*$",
        _merge,
    ),
    (
        rf"^(?:group |number )?{ONE} (?:is|ist|es) (?:{SAME} (?:as|like)|also|too|auch|der ?selbe(?: \w+)? wie|die ?selbe(?: \w+)? wie|das ?selbe(?: \w+)? wie|(?:el mismo|la misma)(?: \w+)? que|también)(?: (?:group|number))? {ONE}[.!]*$|^{ONE} is {A_CONCEPT},? (?:too|as well)[.!]*$",
        _merge,
    ),
    (
        rf"^(?:führe?|leg(?:e)?|füge?|fass(?:e)?|bring(?:e)?) {ONE} (?:und|mit) {ONE} (?:zusammen|zu einem zusammen)[.!]*$|^(?:verbinde|vereine|vereinige|verschmelze|kombiniere) {ONE} (?:und|mit) {ONE}[.!]*$",
        _merge,
    ),
    (
        rf"^(?:une|junta|fusiona|combina|unifica|mezcla) (?:a )?(?:el |los )?(?:grupos? )?{ONE} (?:y|con|e)(?: a)? (?:el )?{ONE}[.!]*$",
        _merge,
    ),
    (rf"^make {ONE} and {ONE} (?:one|the same|one (?:person|dog|cat|thing|group))[.!?]*$", merge_outcome),
    (
        r"^(?:these|those|they|both|the two|diese|estos)(?: two| both| people| groups| dogs| cats| beiden)? (?:are|sind|son) (?:all |both |really |actually )*(?:the same|one|derselbe|dieselbe|gleich|el mismo|la misma|los mismos)\b.*$",
        _merge,
    ),
    # "that isn't Bo, it's Amy": the one that it is
    (
        rf"^(?:.*\b(?:wrong|mistake\w*|incorrect|not|isn'?t|no|nope|falsch|nicht|nein)\b[^,;.]*)[,;.!]? (?:it|that|this|he|she|das|es|este|ese|esa|eso)(?:'s| is|s| ist| es) (?:really |actually |in fact |clearly |doch )?(?P<who>{A_CONCEPT})(?: instead)?[.!]*$|^(?:no,? )?not {A_CONCEPT}[,;.!]+ (?:but )?(?P<other>{A_CONCEPT})[.!]*$",
        _somebody_else,
    ),
    # reject: before confirm, since it says the same with a "not"
    (
        rf"^(?:reject|unconfirm|discard) {A_CONCEPT}(?: (?:in|from|for|on|at) {THIS_PHOTO})?[.!]*$|^reject {A_PHOTO}",
        _about_photo("reject"),
    ),
    (
        rf"^(?:remove|take|delete|untag|unlink|drop|erase) {ONE}(?: out)?(?: from| in| of| off) {THIS_PHOTO}(?: and {A_PHOTO})*[.!]*$|^untag {A_CONCEPT}",
        _about_photo("reject"),
    ),
    (
        rf"^(?:no[,.!:]? |nope[,.!:]? |wrong[,.!:]? |sorry[,.!:]? |actually[,.!:]? )*(?:(?:this|that|it|he|she|the (?:dog|cat|person|man|woman|one)(?: in {A_PHOTO})?|{A_PHOTO})(?:'s|s|)? ?(?:is |was )?{NOT}(?: (?:a (?:photo|picture) of|really|actually|my|our|the|at all|showing))* {A_CONCEPT}|{A_CONCEPT} (?:is |was )?{NOT}(?: really| actually)? (?:in|on|at) {THIS_PHOTO}|{A_PHOTO} (?:doesn't|does not|do not|don't) (?:show|have|contain) {A_CONCEPT})(?: (?:in|on) {THIS_PHOTO})?(?: at all)?[.!]*$",
        _about_photo("reject"),
    ),
    (
        rf"^(?:no|nope|wrong)[,.!:]? (?:that was )?(?:not|isn't) {A_CONCEPT}(?: (?:in|on) {THIS_PHOTO})?[.!]*$|^not {A_CONCEPT}(?: (?:in|on) {THIS_PHOTO})?[.!]*$",
        _about_photo("reject"),
    ),
    (r"^(?:no,? )?(?:that(?:'s| is) )?not (?:him|her|them)[.!]*$", _reject_somebody),
    (rf"^you(?:'re| are) wrong[,.:]? .*{NOT} {A_CONCEPT}", _about_photo("reject")),
    (
        rf"^(?:nein[,.!]? )?(?:das|dies|es|auf {A_PHOTO}(?: das)?|{A_PHOTO}) (?:ist|zeigt|war) (?:doch )?(?:nicht|kein) {A_CONCEPT}(?: (?:auf|in) {THIS_PHOTO})?[.!]*$|^(?:nein[,.!]? )?{A_CONCEPT} ist (?:gar )?nicht (?:auf|in|im) {THIS_PHOTO}(?: zu sehen)?[.!]*$|^entferne? {A_CONCEPT} (?:aus|von|auf) {THIS_PHOTO}[.!]*$|^auf {A_PHOTO} ist nicht {A_CONCEPT}[.!]*$",
        _about_photo("reject"),
    ),
    (
        rf"^(?:no[,.!]? )?(?:este|esta|ese|esa|eso|esto|{A_PHOTO})? ?no (?:es|muestra) (?:a )?{A_CONCEPT}(?: en {THIS_PHOTO})?[.!]*$|^(?:no[,.!]? )?{A_CONCEPT} no (?:está|esta|sale|aparece) en {THIS_PHOTO}[.!]*$|^quita a {A_CONCEPT} de {THIS_PHOTO}[.!]*$|^en {A_PHOTO} no (?:está|esta|sale|aparece) {A_CONCEPT}[.!]*$",
        _about_photo("reject"),
    ),
    # confirm
    (
        rf"^confirm(?: that)?(?:(?: it(?:'s| is)| this is)? {A_CONCEPT}(?: (?:is )?(?:in|on|for|at) {THIS_PHOTO})?|.*{A_PHOTO}.*{A_CONCEPT}.*|.*{A_CONCEPT}.*{A_PHOTO}.*)[.!]*$",
        _about_photo("confirm"),
    ),
    (
        rf"^(?:yes|yep|yeah|yup|right|correct|exactly|sure|indeed|true|ja|genau|richtig|stimmt|sí|si|correcto|exacto)[,.!:]* (?:(?:this|that|it)(?:'s| is)?|he is|she is|das ist|es ist|dies ist|es|ese es|esa es|este es|esta es) (?:really |indeed |definitely |my |our |the |wirklich |mein |meine |mi )*{A_CONCEPT}(?: (?:in|on|auf|en) {THIS_PHOTO})?[.!]*$",
        _about_photo("confirm"),
    ),
    (
        rf"^(?:you(?:'re| are)|that(?:'s| is)|that was) (?:right|correct)[,.:]? .*{A_CONCEPT}|^(?:this|that|it)(?:'s| is) (?:really|indeed|definitely|actually|in fact|clearly|certainly) {A_CONCEPT}(?: (?:in|on) {THIS_PHOTO})?[.!]*$",
        _about_photo("confirm"),
    ),
    (
        rf"^{A_CONCEPT}(?:'s| is) (?:really |indeed |definitely |also |actually |in fact )*(?:in|on) (?:{A_PHOTO}|(?:this|that) (?:photo|picture|image|pic|one|shot))(?: (?:and|,) {A_PHOTO})*(?: too| as well| also)?[.!]*$|^{A_PHOTO} (?:really |indeed |definitely |also )*(?:shows|is of|is a (?:photo|picture) of) {A_CONCEPT}[.!]*$",
        _about_photo("confirm"),
    ),
    (
        rf"^bestätige?,?(?: dass)?(?: das)? {A_CONCEPT}(?: (?:ist )?(?:auf|in) {THIS_PHOTO}(?: ist)?)?[.!]*$|^{A_CONCEPT} ist (?:auch |wirklich |doch )*(?:auf|in) {A_PHOTO}(?: (?:zu sehen|drauf))?[.!]*$|^auf {A_PHOTO} ist (?:auch |wirklich )*{A_CONCEPT}[.!]*$",
        _about_photo("confirm"),
    ),
    (
        rf"^confirma(?: que)?(?: es)?(?: a)? {A_CONCEPT}(?: (?:está |sale |aparece )?en {THIS_PHOTO})?[.!]*$|^{A_CONCEPT} (?:sí |también )*(?:está|sale|aparece) (?:también )?en {A_PHOTO}[.!]*$|^en {A_PHOTO} (?:sí )?(?:está|sale|aparece) {A_CONCEPT}[.!]*$",
        _about_photo("confirm"),
    ),
    # split
    (
        rf"^(?=.*(?:{A_CONCEPT}|\b(?:group|gruppe|grupo|number|nummer|cluster) #?\d))(?=.*\b(?:mixed|mix|split|separate|trennen|trenne|aufteilen|separa\w*|divide|mezcl\w*|verschiedene|distintas?|diferentes))(?!.*(?:{A_CONCEPT}.*(?:and|und|y) {A_CONCEPT}.*\b(?:same|mixed)))(?!(?:what|who|how|why|is|are)\b).*$",
        _about_photo("split"),
    ),
    (
        rf"^(?=.*(?:{A_CONCEPT}|\b(?:group|gruppe|grupo|number|cluster) #?\d))(?=.*\b(?:different|other|another|wrong|someone else|somebody else|two|ander\w*|zwei|otra?s?|dos)\b)(?=.*\b(?:photos?|pictures?|fotos?|bilder|people|persons?|dogs?|cats?|personen|personas)\b)(?:some|(?:there )?are (?:a bunch|some|a few|two|lots|several|many)|a bunch|lots|there are|not all|a few|several|two|one|half|these|those|einige|algunas?|hay|in|in der|en el)\b.*$",
        _about_photo("split"),
    ),
    (
        rf"^(?:split|separate|divide|detach|break|move)(?: off| up| out| apart)?(?: .*)?(?:{A_CONCEPT}|{A_PHOTO}|\b(?:group|number|cluster) #?\d+)(?:.*)?[.!]*$",
        _about_photo("split"),
    ),
    (
        rf"^(?:take|pull|move) (?:{A_PHOTO}(?:,? and |, | )?)+(?: out)?(?: of| from| off| away from) {ONE}[.!]*$|^(?:{A_PHOTO}(?:,? and |, | )?)+(?:is|are|shows?) (?:(?:actually|really) )?(?:someone|somebody|something|another (?:dog|cat|person|pet|one)|a different (?:dog|cat|person|pet|one)|(?:different|other) (?:dogs?|cats?|people|pets))(?: else)?,? (?:not|and not|than|from) {A_CONCEPT}[.!]*$",
        _about_photo("split"),
    ),
    (
        rf"^(?:trenne?|teile?|spalte?) (?:.*)(?:{A_CONCEPT}|{A_PHOTO})(?:.*)[.!]*$|^(?:separa|divide|aparta) (?:.*)(?:{A_CONCEPT}|{A_PHOTO})(?:.*)[.!]*$",
        _about_photo("split"),
    ),
)
