"""The pieces of which the grammar of questions is made, as patterns over the words of a clause."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re

from assistant.language.ordinary_words import word_set
from assistant.language.question_types import Position
from assistant.language.question_words import COLORS

ENTITY = r"@[kur]\d+"
ENTITIES = rf"(?:both |either |neither |any of )?{ENTITY}(?: (?:(?:, )?(?:and|or|nor)|,) (?:either |also )?{ENTITY})*"
PHOTO = r"(?:(?:this|that|the|my|these|those|our)(?: (?:last|latest|new|attached|first|other|old))?(?: (?:photo|photos|shot|one|file|@p))(?: @p)?|this|that|these|those|@p|photo|photos)"
THIS = rf"(?:this(?: photo| one)?|that(?: photo| one)?|it|these|those|they|he|she|there|here|{PHOTO})"
POSITION = r"(?:(?:(?:on|to|at|in|from) (?:the |his |her |my )?)?(?:far )?(?P<position>left|right|middle|front|back|background|foreground|back row|front row)(?: (?:side|hand side|row|corner))?(?: of (?:it|@p|this photo|the photo|the shot))?(?! of ))"
HERE = rf"(?:here|there|anywhere|somewhere|around|visible|shown|present|depicted|pictured|to be seen|in view|in frame|in shot|(?:in|on|inside|at|from|of) (?:it|them|here|there|{PHOTO}|any of (?:these|the)(?: photos)?)|@p)"
TAIL = rf"(?P<tail>(?: (?:not|both|all|also|too|either|really|actually|even|still|again|now|{HERE}))*)"
MAYBE = r"(?:(?:not|really|actually|maybe|perhaps|also|possibly|even|again|still|just|definitely|you|only|supposed to be|meant to be|a photo of|the photo of|photo of|photos of|the name of|called|named|by any chance) )*"
BE = r"(?:is|are|was|were|be|been)"
NEGATION = re.compile(r"\b(?:not|neither|nor|never|no)\b")
COLOR = rf"(?:{'|'.join(sorted(COLORS))}|black and white|monochrome|in color|in black and white|colored)"
PREPOSITION = r"(?:in front of|on top of|close to|next to|above|across|after|against|along|among|around|at|before|behind|below|beneath|beside|between|by|carrying|during|from|holding|in|inside|into|near|on|onto|outside|over|riding|since|through|under|until|wearing|with)"
ARTICLE = r"(?:a|an|the|some|any|no|this|that|these|those|his|her|their|its|lots of|many|much|more|a lot of|several|few|two|three|four|five|another|other|my|our|kind of)"
NO_THING = word_set("""
    i you he she it we they me him us them who whom what when where which why how is are was were be am do
    does did has have had can could will would shall should may might must that this these those there here if
    whether because to than then anything something nothing everything none not yes as so too very wrong
    possible true correct real thing things matter way problem way reason chance taken made shot edited good better best same photo photos selfie title caption
""")
OPENING = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|so|well|now|then|please|familiar|um|hm|hmm|oh|and|but|also|sorry|,|just|alright|quick question|question)"
    r"|(?:can|could|would|will) (?:you|we|i)(?: please| maybe| also| kindly)? (?:tell|say|show|check|guess|explain|let)(?: me| us)?(?: please)?(?= (?:who|what|when|where|which|how|if|whether|the|about|something|is|are))"
    r"|(?:can|could|do|would) (?:you|anybody|we) (?:know|see|say|tell|think|guess|remember|believe|check|happen to know)(?: me| us)?(?= (?:who|what|when|where|which|how|if|whether|is)\b| (?:this|that|it) (?:is|was|shows)\b)(?! what (?:i|you)\b)"
    r"|(?:please )?(?:tell|show|remind|answer|ask) (?:me|us)(?: please)?(?= (?:who|what|when|where|which|how|if|whether))"
    r"|(?:say|check|see|guess|know)(?= (?:who|what|when|where|which|how|if|whether)\b)"
    r"|i(?: would| am|d)? (?:really )?(?:want to know|wonder|wondering|like to know|love to know|need to know|am wondering|do not know|was wondering|wanted to know)(?: ,)?"
    r"|(?:i|we) (?:think|believe|guess|suppose|bet|say|assume|am (?:pretty |quite |almost )?sure|thought|hope)(?: that)?(?= (?:this|that|it|he|she|there|the|these|they|@))"
    r"|any idea|do you have any idea|if|whether|is it true|isnt it true|is it right|is it possible|what do you think|according to you|maybe|perhaps|wait|wow|look)(?: that(?= (?:this|that|it|@)))?(?: |$)"
)
CLOSING = re.compile(
    r"(?:^| )(?:please|thanks|thank you|then|right|correct|or not|or what|or no|is it not|is not it|are not they|is not he|is not she|is it|do you think|you think|do you know|no|yes|ok|okay|exactly|at all"
    r"|anyway|again|by any chance|or who|does not it|was not it|was it|would you say|can you tell|can you see|do you see|for me|dear|familiar|or is it not|,|@p|this time|not true|the photo)$"
)
THE_PERSON = r"(?:the |this |that |these |those |a )?(?:(?:two|three|four|five|young|old|little|big|small|tall|other|first|second|last|left|right|middle|blond|smiling) )?(?P<who>man|men|woman|women|guy|guys|girl|girls|boy|boys|person|people|child|children|kid|kids|baby|babies|lady|ladies|gentleman|dude|lad|fellow|bride|groom|toddler|face|faces|human|friend|dog|dogs|cat|cats|animal|animals|pet|pets|puppy|kitten|horse|bird|rabbit|cow|thing|object|one|ones|somebody|anybody|everybody)"

_POSITIONS: dict[str, Position] = {
    "left": "left", "right": "right", "middle": "middle", "front": "front", "foreground": "front",
    "front row": "front", "back": "back", "background": "back", "back row": "back",
}  # fmt: skip


def position(word: str | None) -> Position | None:
    """The position that a word of the pattern `POSITION` means."""
    return _POSITIONS.get(word or "")


def without_noise(text: str) -> str:
    """A clause without courtesies: "can you tell me …", "…, please"."""
    previous = ""
    while text != previous:
        previous = text
        text = OPENING.sub("", text).strip(" ,")
    return re.sub(
        r"^(who|what|where|when|which \w+) do you (?:think|believe|guess|suppose) (?=.* )", r"\1 ", text
    )


def without_closing(text: str) -> str:
    """A clause without "please", "right?" and "isn't it?" behind it."""
    previous = ""
    while text != previous:
        previous = text
        shorter = CLOSING.sub("", text).strip(" ,")
        text = (
            shorter
            if " " in shorter or shorter.startswith("@") or shorter in {"who", "where", "when"}
            else text
        )
    return text
