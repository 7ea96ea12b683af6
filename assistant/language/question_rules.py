"""Questions about the photo itself and what can be seen in it: pattern → part. The first rule that fits answers."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.language.clauses import Clause
from assistant.language.question_dates import period_in
from assistant.language.question_patterns import (
    ARTICLE,
    COLOR,
    ENTITIES,
    ENTITY,
    HERE,
    MAYBE,
    NEGATION,
    PHOTO,
    POSITION,
    THE_PERSON,
    THIS,
    position,
)
from assistant.language.question_rest import LIGHT_WORDS, alone, company, is_thing, parts_of_rest, things_in
from assistant.language.question_types import (
    Album,
    Camera,
    Colors,
    Describe,
    HowMany,
    Kind,
    Light,
    Other,
    Part,
    Sharpness,
    Shown,
    Size,
    Text,
    WhatIsIt,
    When,
    Where,
    WhoIsThere,
)
from assistant.language.question_words import ANIMALS, PEOPLE, PEOPLE_ANY, singular
from personalizer.photos.formats import PHOTO_SUFFIXES

Match = re.Match[str]
Builder = Callable[[Match, Clause], tuple[Part, ...] | None]
_FORMATS = "|".join([*sorted(suffix.removeprefix(".") for suffix in PHOTO_SUFFIXES), "raw"])
_TAKEN = r"(?:taken|shot|made|photographed|captured|snapped|recorded|from)"
_IT = rf"(?:{THIS})"
_BE = r"(?:is|are|was|were)"
_EMPHASIS = (
    r"(?: (?:exactly|all|else|really|actually|roughly|about|around|approximately|originally|first|on earth))*"
)


def kind_of(word: str) -> Kind | None:
    """Whether a word means people, animals or things."""
    if word in ANIMALS:
        return "animal"
    if word in PEOPLE or word in {"face", "faces", "human", "fellow"}:
        return "person"
    return "thing" if word in {"thing", "things", "object", "objects"} else None


def _constant(part: Part) -> Builder:
    return lambda match, clause: (part,)


def _who_is_there(match: Match, clause: Clause) -> tuple[Part, ...]:
    group = match.groupdict()
    besides = clause.texts(group.get("besides") or "", "k")
    others = bool(group.get("else") or besides)
    return (WhoIsThere(besides, position(group.get("position")), kind_of(group.get("who") or ""), others),)


def _how_many(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    what = match["what"].strip()
    place = re.search(rf"(?:^| ){POSITION}$", what)
    what = re.sub(rf"(?:^| ){POSITION}$", "", what).strip() if place else what
    what = re.sub(
        rf"(?: (?:{_BE}|in total|altogether|together|in all|{HERE}|do you (?:see|count|find|recognize|know)|can (?:you|i|we|be) (?:see|seen|count)|does (?:it|this) (?:show|have|contain)|of (?:them|us|you|these)|different|have))+$",
        "",
        f" {what}",
    ).strip()
    where = position(place["position"]) if place else None
    if re.search(r"\b(?:know|recognize|named|names?|known)\b", match[0]) and what in {
        "",
        "people",
        "of them",
        "named",
        "known",
        "people do you",
        "them",
        "them do you",
        "of them do you",
    }:
        return (HowMany("known", where),)
    what = re.sub(r"^(?:different|of|other|named|living) ", "", what)
    if what in PEOPLE_ANY or what in {"", "us", "them", "of us", "heads", "head"}:
        return (HowMany("people", where),)
    if re.search(r"\b(?:pixels?|megapixels?|mb|bytes?|megabytes?|kb|kilobytes?)$", what):
        return (Size("pixels" if "pixel" in what else "bytes"),)
    if what in {"face", "faces"}:
        return (HowMany("faces", where),)
    if what in {"animal", "animals", "pet", "pets"}:
        return (HowMany("animals", where),)
    words = what.split()
    if len(words) == 3 and words[1] in {"and", "or"}:
        return (HowMany(_counted(words[0]), where), HowMany(_counted(words[2]), where))
    if (
        len(words) > 2
        or "@" in what
        or words[-1] in {"photos", "times", "years", "days", "old"}
        or words[-1] in {"much"}
    ):
        return None
    return (HowMany(" ".join([*words[:-1], singular(words[-1])]), where),)


def _counted(noun: str) -> str:
    if noun in PEOPLE_ANY:
        return "people"
    return {"faces": "faces", "animals": "animals", "pets": "animals"}.get(noun, singular(noun))


def _period(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    if match["period"] in LIGHT_WORDS:
        return None
    period = period_in(match["period"], clause.typed_at(match.start("period"), match.end("period")))
    return (When(period=period),) if period is not None else None


def _taken_at(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    """ "was this taken in Lisbon before 2020?" """
    return parts_of_rest(match["rest"], match.start("rest"), clause, was_taken=True)


def _shown(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    what = re.sub(
        rf"(?: (?:{HERE}|too|also|either|else|at all|maybe|or something))+$",
        "",
        re.sub(rf"^{HERE} ", "", match["what"]),
    )
    if re.search(rf"(?:^| ){ENTITY}(?: |$)", re.sub(r"@u\d+", "", what)):
        return None
    place = re.search(rf" {POSITION}$", what)
    what = what[: place.start()] if place else what
    if "needs_noun" in match.groupdict() and not all(
        map(is_thing, re.sub(rf"\b{ARTICLE} ", "", what).split()[-1:])
    ):
        return None
    things = things_in(what, clause)
    if things is None:
        return None
    return (
        Shown(
            things,
            any_of=" or " in what,
            negated=bool(NEGATION.search(match[0][: match.start("what") - match.start()])),
        ),
    )


def _colors(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    group = match.groupdict()
    asked, of = group.get("color"), (group.get("of") or "").strip()
    of = re.sub(rf"(?:^| )(?:of |has |have |{HERE})$", "", of)
    names = clause.texts(of, "k")
    if len(names) == 1:
        return (Colors(names[0], is_name=True, asked=asked),)
    if names or "@u" in of or "@r" in of:
        return None
    if not of or re.fullmatch(rf"{THIS}|they|he|she", of):
        return (Colors(asked=asked),)
    things = things_in(of, clause)
    return (Colors(things[0], asked=asked),) if things and len(things) == 1 else None


def _light(match: Match, clause: Clause) -> tuple[Part, ...]:
    return (Light(LIGHT_WORDS[match["light"]]),)


def _text(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    start, end = match.span("words") if match["words"] else match.span("words_2")
    typed = clause.typed_at(start, end).strip("\"'“”„«» ")
    return (Text(typed),) if typed else None


def _camera(match: Match, clause: Clause) -> tuple[Part, ...]:
    typed = clause.typed_at(*match.span("asked"))
    return (Camera(re.sub(r"^(?:an?|the|my) ", "", typed, flags=re.IGNORECASE)),)


def _album(match: Match, clause: Clause) -> tuple[Part, ...]:
    typed = clause.typed_at(*match.span("asked"))
    return (Album(asked=typed.strip("\"'“” ")),)


def _what_kind(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    kind = re.sub(r"^(?:a|an|the) ", "", match["kind"].strip())
    if NEGATION.search(kind) or "@" in kind or kind in {"photo", "photos", "thing"} or len(kind.split()) > 2:
        return None
    return (WhatIsIt(kind),)


def _what_kind_of(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    kind = match["kind"].strip()
    if kind in {"it", "this", "that"}:
        return None
    word = re.match(r"(?:what|which) (breed|make|model|brand|race|species)", match[0])
    return _what_kind(match, clause) if not word else (WhatIsIt(f"{kind} {word[1]}"),)


def _alone(match: Match, clause: Clause) -> tuple[Part, ...] | None:
    """ "is Amy alone on the beach?" """
    who = match["who"]
    rest: tuple[Part, ...] | None = ()
    if match["rest"].strip() and not re.fullmatch(rf"(?:{HERE} ?)+", match["rest"].strip()):
        rest = parts_of_rest(match["rest"].strip(), match.start("rest"), clause)
    if rest is None:
        return None
    return (alone(who, clause, bool(NEGATION.search(match[0]))), *rest)


def _with_whom(match: Match, clause: Clause) -> tuple[Part, ...]:
    return (company(match["who"] if "who" in match.groupdict() else "", clause),)


_SHOT = r"(?:photo|picture|image|shot|file|one)"
_WHEN_ASKS = {
    "year": "year", "month": "month", "season": "season", "summer": "year", "winter": "year", "spring": "year", "autumn": "year",
    "day": "date", "date": "date", "weekday": "weekday", "day of the week": "weekday", "time": "time", "time of day": "time",
    "hour": "time", "oclock": "time", "century": "year", "decade": "year", "christmas": "year", "birthday": "year", "week": "date",
    "time of year": "season", "time of the year": "season", "holiday": "date",
}  # fmt: skip


def _when(match: Match, clause: Clause) -> tuple[Part, ...]:
    return (When(_WHEN_ASKS[match["unit"]]),)  # type: ignore[arg-type] # the values are those of the field


def _where(match: Match, clause: Clause) -> tuple[Part, ...]:
    unit = match["unit"]
    if unit in {"country", "nation"}:
        return (Where("country"),)
    return (Where("city" if unit in {"city", "town", "village"} else "place"),)


# fmt: off
RULES: tuple[tuple[re.Pattern[str], Builder], ...] = tuple(
    (re.compile(f"^(?:{pattern})$"), builder)
    for pattern, builder in (
        # --- Nothing in particular ------------------------------------------------------------------------------
        (rf"(?:what|who or what|what or who|what else)(?: {_BE})?{_EMPHASIS}(?: {_IT})?(?: (?:supposed to be|about|all about|of|a photo of|showing))?(?: {HERE})*", _constant(Describe())),
        (rf"what (?:do|can|could) (?:you|i|we|one)(?: actually)? (?:see|recognize|find|identify|spot)(?: {HERE}| with it)*|what (?:can be|is) (?:seen|to be seen|shown|visible|going on|happening)(?: {HERE})*|what (?:does|do) (?:{_IT}|the {_SHOT}) (?:show|depict|contain|represent|have)(?: {HERE})*|what {_BE} (?:{HERE} )+(?:to see)?", _constant(Describe())),
        (rf"(?:please )?(?:describe|caption|explain|analyze|analyse|summarize)(?: (?:to me|for me))?(?: (?:{_IT}|the (?:scene|content|contents)|everything|what you see|me))?(?: in detail| briefly| for me| {HERE})*|(?:tell|say|show)(?: me)?(?: (?:more|something|everything|anything|all))? (?:about|of) {_IT}|(?:tell|show) me what (?:you see|{_IT} is|is {HERE}|this is)|what (?:you see|{_IT} is)(?: {HERE})?|what is the (?:photo|content|subject|scene|motif)(?: of {_IT})?|whats up {HERE}|(?:give|write)(?: me)? (?:a|some) (?:description|caption|summary)(?: (?:of|for) {_IT})?|look at {_IT}|description|caption|{_IT}", _constant(Describe())),
        # --- Who is there ---------------------------------------------------------------------------------------
        (rf"who(?: all)?(?: (?P<else>else))? (?:(?:{_BE}|do you see|can you see|can be seen|do you recognize|appears|do you know|can i see|did you recognize|have we got|is shown|do we see)) ?(?:also |all |there )?(?: ?(?:{THE_PERSON}|{THIS}))?(?: (?P<else_2>else))?(?: (?:{HERE}|that is|standing|sitting))*(?: {POSITION})?(?: {HERE})*(?:(?: ,)? (?:besides|apart from|except|except for|other than|but|without|with the exception of|aside from|than|not counting) (?P<besides>{ENTITIES}))?", _who_is_there),
        (rf"who(?: (?P<else>else))(?: {HERE})*(?: (?:besides|apart from|except|other than|but|than) (?P<besides>{ENTITIES}))?(?: (?:is|are|was))?(?: {HERE})*", _who_is_there),
        (rf"who(?: {HERE})*|whose (?:face|faces|photo|portrait) (?:{_BE}) {_IT}|who (?:{_IT}|he|she|the person) (?:is|are|was)(?: {HERE})*", _constant(WhoIsThere())),
        (rf"(?:what (?:are|is) the (?:name|names|identity) of|name|identify|list|recognize|tell me the names? of|what do you call|say who)(?: all| everybody| me)? ?{THE_PERSON}(?: {HERE})*(?: {POSITION})?(?: {HERE})*", _who_is_there),
        (rf"(?:what (?:are|is) (?:their|his|her|its) names?|name (?:them|everybody|all of them|him|her|it)|identify (?:them|him|her|everybody)|who are they all)(?: {HERE})*", _constant(WhoIsThere())),
        (rf"(?:do|can|could|did) (?:you|we|u) (?:recognize|know|identify|name|tell)(?: me)? (?:who (?:{_IT}|he|she|they) (?:is|are)|(?:{THE_PERSON}|him|her|them|{THIS}))(?: {HERE})*(?: {POSITION})?(?: {HERE})*", _who_is_there),
        (rf"(?:is|are|do you see|can you see)(?: there)? (?:anybody|somebody|any (?:one|people|person)) (?:you (?:know|recognize)|i know|we know|known|familiar)(?: {HERE})*", _constant(WhoIsThere(kind="person"))),
        (rf"(?:which|what) (?P<who>people|persons|person|man|woman|child|children|kid|kids|animals|dog|dogs|cat|cats|pet|pets|things|objects|faces)(?: {_BE}| do you (?:see|recognize|know)| can (?:you|be) (?:see|seen))(?: {_IT})?(?: {HERE})*(?: {POSITION})?", _who_is_there),
        # --- How many -------------------------------------------------------------------------------------------
        (r"how many(?: of)?(?P<what>(?: .*)?)", _how_many),
        (r"(?:count|what is the number of|number of|the number of)(?: all)? (?:the |of the |of )?(?P<what>.+)", _how_many),
        (rf"(?:is|are)(?: there)? (?:anybody|somebody|any other|any other people|other people) ?else(?: {HERE})*|(?:anybody|somebody) else(?: {HERE})*|(?:is|are) there (?:any )?other people(?: {HERE})*", _with_whom),
        (rf"(?:is|was)(?: there)? (?:nobody|no one|none)(?: {HERE})*", _constant(Shown(("person",), negated=True))),
        # --- Company --------------------------------------------------------------------------------------------
        (rf"who(?:m)?(?: else)? (?:{_BE}|can you see|stands|sits|appears|do you see)(?: (?:there|also|standing|sitting|playing|seen|here))* (?:with|beside|next to|near|together with|alongside|by) (?P<who>{ENTITIES})(?: {HERE})*", _with_whom),
        (rf"(?:with )?who(?:m)?(?: else)? (?:{_BE}) (?P<who>{ENTITIES})(?: {HERE})*(?: (?:standing|sitting|seen|posing|playing|together|here|there))*(?: (?:with|next to|beside|by|near))(?: {HERE})*|with who(?:m)?(?: (?:{_BE}) (?P<who_2>{ENTITIES}))?(?: together)?(?: {HERE})*", lambda match, clause: (company(match["who"] or match["who_2"] or "", clause),)),
        (rf"(?:with )?who(?:m)? (?:{_BE}) (?:he|she|they|it)(?: with)?(?: {HERE})*|who (?:{_BE}) (?:with|next to|beside) (?:him|her|them|it|me|us)(?: {HERE})*|who is the company", lambda match, clause: (company("", clause),)),
        (rf"(?:is|are|was|do you see|can you see)(?: there)? (?:anybody|somebody|anybody else|any people|any person|people|others|another person|other people)(?: else)?(?: {HERE})*(?: (?:standing|sitting))? (?:with|next to|beside|near|together with|besides) (?P<who>{ENTITIES}|him|her|them)(?: {HERE})*", _with_whom),
        (rf"(?:does|did|has) (?P<who>{ENTITIES}) (?:have|got|had)(?: any)? company", _with_whom),
        (rf"(?:is|are|was|were)(?: not)? (?P<who>{ENTITIES}|he|she|it|they|{THE_PERSON.replace('?P<who>', '?:')}|somebody|anybody)(?: not)?(?: {HERE})*(?: all| really| completely| here)* (?:alone|on (?:his|her|its|their) own|by (?:himself|herself|itself|themselves)|the only (?:one|person|dog|cat|animal)|all alone|solo|lonely)(?P<rest>.*)", _alone),
        (rf"is alone (?P<who>{ENTITIES})(?P<rest>.*)", _alone),
        # --- When and where -------------------------------------------------------------------------------------
        (rf"(?:since |from )?when(?: and)?{_EMPHASIS}(?: (?:{_BE}|did|has|have) (?:{_IT}|you|i|we|the {_SHOT})(?: been)?(?: (?:take|{_TAKEN}|happen|from|photo))*(?: {_IT})?| {_IT} (?:{_BE})(?: {_TAKEN})?| (?:{_BE})(?: {_TAKEN})?(?: {_IT})?)?(?: {HERE})*", _constant(When())),
        (rf"(?:how old|what age) (?:is|was|are) (?:{PHOTO}|(?:this|the|that) {_SHOT})|how (?:long ago|long) (?:is|was) (?:{_IT}|the {_SHOT})(?: {_TAKEN})?(?: ago)?|how recent is {_IT}|how old {PHOTO} is|how old this is", _constant(When("age"))),
        (rf"(?:in |on |at |from |during )?(?:what|which) (?P<unit>{'|'.join(sorted(_WHEN_ASKS, key=len, reverse=True))})(?: of the (?:year|week|day|month))?(?: (?:{_BE}|did|does)(?: (?:{_IT}|the {_SHOT}|you|we|i))?(?: (?:{_TAKEN}|take|in))?(?: {_IT})?| {_IT} {_BE}(?: {_TAKEN})?)?(?: {HERE})*", _when),
        (rf"what (?:is|was) (?:the |its )?(?:date|capture date|recording date|exact date)(?: (?:of|on|for) {_IT})?|(?:the )?date(?: of {_IT}| taken)?|what date|(?:does|has) {_IT} (?:have )?(?:a )?date", _constant(When())),
        (rf"(?:what|which) (?:is|was) (?:the )?(?P<unit>year|month|season|time|weekday|day)(?: (?:of|in) {_IT})?", _when),
        (r"(?:do|does) (?:you|anybody) know when|how late (?:is|was) it", _constant(When())),
        (rf"(?:is|was) {_IT} (?:taken )?(?:at|by|in|during) (?:the )?(?P<light>night|day|daytime|daylight|dark|sunshine|evening|morning|dusk|dawn)", _light),
        (rf"(?:{_BE}) (?:{_IT} )?(?:not )?(?:{_TAKEN} )?(?:{_IT} )?(?:{_TAKEN} )?(?P<period>(?:(?:in|on|at|before|after|since|until|during|around|from|within) )?.+?)(?: {_TAKEN})?", _period),
        (rf"(?:in |at )?(?:what|which) (?P<unit>country|nation|city|town|village|place|location|region|state|continent|area|spot|street|address|island|room)(?: (?:{_BE}|did)(?: (?:{_IT}|the {_SHOT}|we|you|i))?(?: (?:{_TAKEN}|in|at))*(?: {_IT})?| {_IT} {_BE})?(?: {HERE})*", _where),
        (rf"(?:at |from )?where(?: and when)?{_EMPHASIS}(?: (?:{_BE}|did|in the world is|were)(?: (?:{_IT}|the {_SHOT}|i|we|you|they))?(?: (?:take|{_TAKEN}|photo|at|from))*(?: {_IT})?| {_IT} {_BE}(?: {_TAKEN})?)?(?: {HERE})*", _constant(Where())),
        (rf"what (?:is|was|are) (?:the |its )?(?P<unit>place|location|address|country|city|town)(?: (?:of|on|in) {_IT})?|(?:the )?location(?: of {_IT})?", lambda match, clause: _where(match, clause) if match["unit"] else (Where(),)),
        (rf"(?:what|which) (?:are|is) (?:the |its )?(?:gps|coordinates|gps coordinates|gps data|latitude|longitude)(?: (?:of|for) {_IT})?|(?:gps|coordinates)|(?:does|has) {_IT} (?:have )?(?:gps|gps data|coordinates|a location)", _constant(Where("coordinates"))),
        # --- Camera, album, size --------------------------------------------------------------------------------
        (rf"(?:with |on |by |from )?(?:what|which)(?: kind of| type of| sort of| model of| make of)? (?:camera|phone|device|smartphone|mobile|lens|iphone|model)(?: model)?(?: (?:{_BE}|did|has|does|have|took|made|shot|came)(?: (?:{_IT}|the {_SHOT}|i|we|you|used))?(?: (?:{_TAKEN}|used|take|use))?(?: {_IT})?(?: (?:with|by|for it|for this|on|from|used))*(?: {_IT})?)?", _constant(Camera())),
        (rf"(?:with )?what (?:{_BE}|did) (?:{_IT}|you|i|we|the {_SHOT}) (?:{_TAKEN}|take)(?: {_IT})?(?: (?:with|on|by))?|what took {_IT}|what (?:is|was) the camera(?: of {_IT}| model)*|(?:the )?camera(?: model)?|how was {_IT} taken", _constant(Camera())),
        (rf"(?:{_BE}|did you)(?: not)? (?:{_IT} )?(?:{_TAKEN} )?(?:{_IT} )?(?:{_TAKEN}|taken|a photo|photo|take it)? ?(?:with|on|by|using|from) (?P<asked>(?:an? |the |my )?(?:\S+ ){{0,3}}(?:camera|phone|iphone|canon|nikon|sony|pixel|samsung|smartphone|gopro|drone|leica|fujifilm|huawei|mobile|android|dslr)(?: \S+){{0,3}})", _camera),
        (rf"(?:in |from |to )?(?:what|which) (?:album|albums|folder|folders|directory|collection)(?: (?:{_BE}|does|do)(?: (?:{_IT}|the {_SHOT}))?(?: (?:in|from|stored|saved|belong to|kept))*| {_IT} is(?: in)?)?|where (?:is|are|do you keep) (?:{_IT}|the {_SHOT}|the file) (?:stored|saved|kept|located|on (?:disk|my disk|my computer))|where (?:is|are) the file", _constant(Album())),
        (rf"(?:what|which) (?:is|was) (?:the |its )?(?:name of (?:{_IT}|the file|the {_SHOT})|(?:file name|filename|path|file)(?: of {_IT})?|its file called)|(?:what|how) (?:is|are) (?:{PHOTO}|the file) (?:called|named)|(?:file name|filename|path)", _constant(Album("file"))),
        (rf"(?:is|are|was) (?:{_IT}) (?:in|from|part of) (?:the |my )?(?:(?:album|folder) (?P<asked>.+))", _album),
        (rf"(?:is|are|was) (?:{_IT}) (?:in|from|part of) (?:the |my )?(?P<asked>(?:\S+ ){{1,3}})(?:album|folder)", _album),
        (rf"how (?:big|large|wide|high|tall|long|many megapixels) (?:is|are|was) (?:{_IT}|the {_SHOT}|the file)(?: in pixels)?|(?:what|which) (?:is|are) (?:the |its )?(?:resolution|size|dimensions?|pixel size|width|height|measurements)(?: and (?:height|size))?(?: (?:of|does) {_IT}(?: have)?)?|(?:what|which) (?:resolution|size|dimensions?)(?: (?:is|does|has|are) {_IT}(?: have)?)?|(?:the )?(?:resolution|dimensions?|size)(?: of {_IT})?", _constant(Size())),
        (rf"(?:what|which) (?:is|are) (?:the |its )?file size(?: of {_IT})?|how (?:much space|heavy|many (?:mb|bytes)) (?:does|is) {_IT}(?: (?:take|need|use|have)(?: up)?)?|file size", _constant(Size("bytes"))),
        (rf"(?:what|which) (?:is |are )?(?:the |its )?(?:file )?(?:format|type|file type|image format)(?: (?:is|does|has|of) {_IT}(?: have| in)?)?|(?:is|are) {_IT} (?:a |an )?(?:{_FORMATS})(?: file| photo)?", _constant(Size("format"))),
        (rf"(?:is|are) {_IT} (?:in )?(?:a )?(?:portrait|landscape|upright|square|horizontal|vertical|upside down|sideways|panorama)(?: format| mode| orientation| photo)?(?: or .+)?", _constant(Size("orientation"))),
        # --- Text -----------------------------------------------------------------------------------------------
        (rf"what (?:does|do|did) (?:.{{1,30}} )?(?:say|says|read|spell)(?: {HERE}| the .{{1,30}})*|what says (?:it|the sign)|what (?:text|words?|writing|letters|inscription|lettering)(?: (?:{_BE}|do|can|does)(?: (?:there|you|i|it|{THIS}))?(?: (?:see|read|say|show|have|contain))?)?(?: {HERE}| written)*|what (?:{_BE}|stands)(?: it)? (?:written|stands|printed|the (?:text|writing|inscription|words?|caption))(?: (?:{HERE}|there|it|(?:on|in|over|above|under) .{{1,30}}))*|what (?:can|do) (?:you|i|we) read(?: {HERE})*|what stands (?:{HERE}|.{{1,30}})", _constant(Text())),
        (rf"(?:can you |could you |please )?(?:read|transcribe|ocr)(?: (?:out|aloud|me))*(?: (?:it|this|that|the (?:text|sign|words?|writing|letters?|label|letter|plate|license plate)|what (?:it|the sign) says|what is written|{PHOTO}))?(?: (?:out|aloud|to me|for me|{HERE}))*", _constant(Text())),
        (rf"(?:is|are)(?: there)?(?: (?:any|some|a|something))? ?(?:text|writing|words|letters|lettering|written|inscription|caption)(?: written)?(?: (?:{HERE}|to read|on .{{1,30}}))*|(?:does|do) {_IT} (?:have|contain|show|include)(?: any| some)? (?:text|writing|words|letters)|(?:any )?(?:text|writing)|(?:is|are) (?:there )?(?:anything|something) (?:written|printed)(?: {HERE})*", _constant(Text())),
        (rf"(?:does|do|did) (?:it|this|that|the (?:sign|text|shirt|label|photo|poster|letter|cup|mug|plate)|{PHOTO}) (?:say|says|read|contain the words?|contain the text|spell)(?: the words?)?(?: that)? (?P<words>.+)|(?:is|are) (?:the )?(?:words?|text)? ?(?P<words_2>.+) written(?: {HERE}| on .{{1,30}})*", _text),
        # --- Colors, light, sharpness ---------------------------------------------------------------------------
        (rf"(?:of |in )?(?:what|which) colors?(?: (?:{_BE}|has|have|does|do|can|did))?(?: (?:there|you|i))?(?: (?:see|find|dominate))?(?P<of>(?: .+?)??)(?: (?:have|has|of|in|wear))?(?: {HERE})*", _colors),
        (r"(?:what|which) (?:is|are) the (?:main |dominant )?colors?(?: of)?(?P<of>(?: .+?)??)|(?:the |main )?colors?(?: of (?P<of_2>.+))?", lambda match, clause: _colors(match, clause) if not match["of_2"] else None),
        (rf"(?:is|are|was)(?: not)? (?P<of>{ENTITY}|{THIS}|(?:the|this|that|his|her|their) \S+(?: \S+)?|it) (?:{MAYBE})(?:all |mostly |completely |dark |light )?(?P<color>{COLOR})(?: photo| or not)?", _colors),
        (rf"(?:is|was|are)(?: not)? (?:it|this|that|there|{PHOTO}|the (?:scene|light|sky))(?: not)? (?:{MAYBE})(?:too |very |so |rather |quite |taken |shot |a |an |at |by |in |during |the )*(?P<light>{'|'.join(sorted(LIGHT_WORDS, key=len, reverse=True))})(?: outside| time| scene| photo| day| there| here| shot)?(?: {HERE})*(?: or .+)?", _light),
        (rf"(?:is|was|are)(?: not)? (?:it|this|that|{PHOTO}|{ENTITY}|everything|the face)(?: not)? (?:too |very |so |really |a bit |a little |all )*(?:sharp|in focus|focused|crisp|clear)(?: enough)?(?: {HERE})*|how (?:sharp|clear|crisp) is {_IT}|(?:is|was) {_IT} (?:sharp|in focus) or .+", _constant(Sharpness("sharp"))),
        (rf"(?:is|was|are)(?: not)? (?:it|this|that|{PHOTO}|{ENTITY}|everything|the face)(?: not)? (?:too |very |so |really |a bit |a little |all )*(?:blurred|blurry|out of focus|unsharp|fuzzy|shaky|unfocused)(?: {HERE})*(?: or .+)?|how (?:blurry|blurred) is {_IT}", _constant(Sharpness("blurred"))),
        # --- Kinds of things ------------------------------------------------------------------------------------
        (rf"(?:what|which) (?:kind|type|sort|species|breed|make|model|brand|variety|race|species)(?: of)?(?: (?:a|an|the))?(?P<kind>(?: (?!is\b|are\b|was\b)\S+){{1,2}}) (?:{_BE})(?: {_IT}| visible| {THE_PERSON.replace('?P<who>', '?:')})?(?: {HERE})*", _what_kind_of),
        (rf"(?:what|which) (?P<kind>breed|kind|type|sort|species|make|brand|model|race) (?:is|are|was) (?:(?:the|this|that|it|these|those)(?: (?P<thing>dog|cat|animal|car|flower|bird|tree|horse|plant|rabbit|fish|cow|bike|camera|dress|shoe|watch)s?)?|{_IT})(?: {HERE})*", lambda match, clause: (WhatIsIt(" ".join(filter(None, (match["thing"], match["kind"])))),)),
        (rf"(?:what|which) (?P<kind>flower|plant|tree|bird|car|building|mountain|food|fruit|insect|fish|church|tower|castle|game|instrument|dish|drink|book|movie|toy|brand|logo|flag|monument|statue|river|lake|animal|ship|train|plane|airplane)s? (?:is|are|was) (?:{_IT})(?: {HERE})*", _what_kind),
        # --- Taken where, with what -----------------------------------------------------------------------------
        (rf"(?:{_BE}|did you)(?: not)? (?:{_IT}|the {_SHOT})(?: not)?(?: (?:really|actually|also|maybe|perhaps))* (?:{_TAKEN}|a photo {_TAKEN}|take it) (?P<rest>.+)", _taken_at),
        (rf"(?:{_BE})(?: not)? (?:{_IT}|the {_SHOT}|we)(?: not)?(?: (?:really|actually|also|maybe|perhaps))* (?P<rest>(?:in|at|near|on|from|under|inside|by|before|after|since|outside) .+)", _taken_at),
        # --- Things -------------------------------------------------------------------------------------------
        (rf"(?:{_BE})(?: not)? there(?: not)? (?P<what>.+)", _shown),
        (rf"(?:{_BE})(?: not)? here (?P<what>.+)", _shown),
        (rf"(?:{_BE})(?: not)? (?:it|this|that|these|those|they|he|she)(?: not)? (?:{MAYBE})(?P<what>(?:a|an|some|any|not a) (?!photo\b).+)", _shown),
        (rf"(?:{_BE})(?: not)? (?:it|this|that|these|those|they)(?: not)? (?:{MAYBE})(?:the )?(?P<what>(?P<needs_noun>)\S+(?: \S+)?)", _shown),
        (r"(?:do|can|could|did) (?:you|i|we|u)(?: not)? (?:see|recognize|find|spot|identify|detect|notice)(?: there)? (?P<what>(?!if\b|whether\b|who\b|what\b).+)", _shown),
        (rf"(?:does|do|did) (?:it|this|that|these|{PHOTO})(?: not)? (?:show|contain|have|include|depict|feature|look like) (?P<what>.+)", _shown),
        (rf"(?:{_BE})(?: not)? (?P<what>(?:a|an|any|some) .+?)(?: (?:{HERE}))+", _shown),
        (rf"(?:{_BE})(?: not)? (?P<what>(?P<needs_noun>)(?:the )?\S+(?: (?:and|or) (?:the )?\S+)?)(?: (?:{HERE}))+", _shown),
        (rf"(?:is|are|can)(?: not)? (?P<what>anybody|somebody|people)(?: {HERE})*(?: seen| be seen)?", _shown),
        (r"(?P<what>(?:any|is there|are there|some) .+)|(?P<what_2>)", lambda match, clause: _shown(match, clause) if match["what"] else None),
        (r"(?P<what>(?P<needs_noun>)(?:(?:a|an|the) )?\S+(?: \S+)?)(?: here| there)?", _shown),
        (r"is it (?P<weather>raining|snowing)(?: here| there| outside)?", lambda match, clause: (Shown((match["weather"].removesuffix("ing"),)),)),
    )
)
# fmt: on


def photo_question(text: str, clause: Clause) -> tuple[Part, ...] | None:
    """The parts of a clause that asks about the photo itself or what can be seen in it; None for another one."""
    for pattern, build in RULES:
        match = pattern.match(text)
        parts = build(match, clause) if match else None
        if parts and not any(isinstance(part, Other) for part in parts):
            return parts
    return None
