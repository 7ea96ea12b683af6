"""The words that requests are made of, as patterns over a skeleton in which photos and names are lifted out.

Knows English and nothing else; which tool a pattern leads to is decided in `rules` and `route`.
"""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re

from assistant.language.parse import CONCEPT, PHOTO

A_CONCEPT = re.escape(CONCEPT)
A_PHOTO = re.escape(PHOTO)
OPENING = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|yes|yeah|yep|sure|please|now|then|so|well|great|thanks|thank you|and|also|cool|nice"
    r"|lovely|perfect|good|alright|right|familiar|hmm+|um|next|but|actually|wait|no|sorry|wow|there|pls|plz|bitte|hallo"
    r"|oye|hola|por favor|yo)\b[\s,!:;-]*)+",
    re.IGNORECASE,
)
ASKING = re.compile(
    r"^(?:(?:can|could|would|will|can't|couldn't|won't) (?:you|u|we) (?:mind )?|(?:i|we)(?:'d| would) (?:really )?(?:like"
    r"|love) (?:for )?(?:you to|it if you could|us to) |i (?:want|need) you to "
    r"|(?:i|we) (?:want|need|wish|would like|'d like|'d love|have) to (?=merge|split|train|re-?train|rename|forget|undo|confirm|reject|name"
    r"|combine|join|unite|separate|delete|remove|find|search|look for|draw|paint|sketch|remember|know|learn|teach)|(?:let's|let us) |go ahead and "
    r"|try (?:to |and )|feel free to |please |pls |plz |bitte |por favor,? |just |maybe |also |now |perhaps |quickly |kindly |do me a favou?r and )+",
    re.IGNORECASE,
)
TRAILING = re.compile(
    r"[\s,]*\b(?:please|pls|plz|bitte|danke|por favor|gracias|thanks|thx|thank you|for me|if you can|if possible|will you|would you|from now on)[\s.!?]*$",
    re.IGNORECASE,
)
PICTURE = (
    r"(?:pictures?|pics?|photos?|fotos?|photographs?|images?|drawings?|paintings?|portraits?|sketch(?:es)?|illustrations?|posters?"
    r"|scenes?|wallpapers?|postcards?|cartoons?|avatars?|watercolou?rs?|comics?|artworks?|renderings?|selfies?)"
)
ARTWORK = r"(?:drawing|painting|portrait|sketch|illustration|poster|cartoon|watercolou?r|comic|artwork|rendering|doodle)s?"
STYLE = re.compile(r"(?:painting|sketch|cartoon|watercolou?r|comic)s?(?:es)?", re.IGNORECASE)
"""Kinds of pictures that say how these look."""
PHOTOS = r"(?:photos|fotos|pictures|pics|images|photographs|shots|snaps|selfies|snapshots)"
THING = r"(?:people|persons|pets|things|concepts|names|faces|animals|groups|clusters|objects|subjects)"
NUMBERED = r"(?:the )?(?:(?:person|pet|thing|face|one|group|cluster|concept|number|no\.?|nr\.?|id|item|in)\s*)*#?\s*(?P<id>\d+)"
COUNTS = {"one": 1, "a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "a couple of": 2}
CAPITAL = r"[^\Wa-z\d_]"
"""A letter that is not lower-case Latin: names in scripts without capitals count too."""

# --- What must not call a tool, although it uses the tools' words --------------------------------------------------
CHATTER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?:don't|do not|never|stop|no need to|quit)\b(?! forget\b)(?! recogni[sz]ing\b)",
        rf"^i (?:can't|cannot|could|can|will|was|am|drew|painted|paint|draw|sketch|like|love|hate|enjoy|remember|forgot|found"
        rf"|find|imagine|wonder|guess|never|always|used to|just|made|took|went|had|have)\b(?!.*(?:{A_PHOTO}|\b(?:if|whether|who|what) (?:this|that|it)\b))",
        r"^(?:my|his|her|their|our) \w+ (?:draws?|drew|paints?|painted|makes|found|forgot)\b",
        r"^(?:just )?imagine(?: that| if| how| being| my (?:surprise|shock|joy|face)| your| all| what(?! ⟦)| having| living| there| no\b|[.!?]*$)",
        r"^(?:drawing|painting|sketching|imagining) (?:is|was|can|has|makes)\b",
        r"^(?:just )?imagine (?:the )?(?:possibilities|look on|surprise|chaos|joy|people|scenes)\b",
        r"^(?:just )?imagine (?:a )?(?:world|life|future|time)\b",
        r"^(?:can|could) (?:you|we) (?:even )?imagine(?: that| if| how| being| what| the|[.!?]*$)",
        r"^(?:imagine that|picture this|get the picture|the big picture|big picture)\b",
        r"^(?:draw|drawing) (?:a |the |your |any |own |my )*(?:conclusions?|line|breath|blank|attention|parallels?|comparison|curtains?|blinds?|crowds?|straws?)\b",
        r"^(?:paint the town|paint (?:a|the) (?:wall|room|house|fence))\b",
        r"^(?:how|why|when|where|what) (?:do|can|should|would|could|did|does|is|are) (?:i|you|we|one|people|someone|artists)"
        r" (?:best |usually |actually )?(?:draw|paint|sketch|make|generate|find|remember|forget|name|imagine|describe|create)\b",
        r"^(?:can|do|could|are) you (?:even |actually |really )?(?:draw|paint|sketch|make pictures|see|describe photos|drawing)"
        r"[.!?]*$",
        r"^call (?:it|me|us|him|her|them|the|a|my|an|your)\b",
        r"^name (?:a|an|one|two|three|four|five|some|any|the|your|me)\b(?!.*\d)",
        r"^find (?:out|it|me a (?:recipe|job|restaurant|hotel|flight)|my (?:keys|phone|glasses|wallet))\b",
        r"^(?:search|look up) (?:the (?:web|internet)|online|google)\b",
        r"^(?:see you|good ?bye|bye|good ?night|talk to you)\b",
        r"^do you (?:like|love|hate|enjoy|want|need|think|feel|believe|mind|ever)\b",
        r"^not the (?:first|second|third|last|other|same)\b",
        r"^(?:hoi|grüezi|sali|salü|moin|servus|grüß|gruss|hola|buenas|qué onda|qué tal|hiya|howdy|wie ga?ht|wie geht|hey there)\b",
        rf"^(?!.*(?:that|dass|que) .*{A_CONCEPT})(?:forget (?:it|that|this|about (?:it|that|this)|what i said|me not|i (?:said|asked))|never ?mind)\b",
        r"^(?:don't forget|remember) to\b",
        r"^(?:do you )?remember (?:when|how|the|what|last|our|that time|me|yesterday)\b",
        r"^(?:list|show|tell|give) (?:me )?(?:some |a few |the |your |a |an )?(?:\w+ )?(?:ideas?|jokes?|tips|facts?|reasons|stor(?:y|ies)"
        r"|poems?|recipes?|examples?|features|commands)\b",
        r"^describe (?:yourself|your|how|the (?:weather|process|difference|way)|what you)\b",
        r"^(?:write(?! down)|compose|explain|translate|calculate|summari[sz]e|sing)\b",
        r"^is (?:this|that|it) (?:real|true|a joke|working|on|ok|okay|safe|private|free|possible|thing|correct|normal|fun)\b",
        r"^(?:what|who) (?:is|are) (?:you|your)\b|^(?:who|what) (?:made|built|created) you\b",
        r"^(?:you get the picture|(?:may|can|could) i ask you)\b",
        r"^(?:what's|how's|what is|how is) (?:up|new|the (?:weather|time|matter|point|plan)|going|it going)\b",
        rf"^(?:delete|remove|erase) (?:my|the|this|that|all|every)\b(?!.*{A_CONCEPT})",
        r"^make (?:sure|sense|up|it|do|a (?:list|note|wish|decision|plan|joke|sandwich|cake|coffee))\b(?!.*that ⟦)",
        r"^(?:generate|create|make|design) (?:me )?(?:a|an|some) (?:password|list|poem|story|table|name|website|function|plan)\b",
    )
)

DEICTIC_QUESTION = re.compile(
    rf"\b(?:who|what|where|when|how many|how|which|is|are|was|were|does|do|did|can|has|describe|tell|caption|explain|anyone"
    rf"|anybody|look|recogni[sz]e|see|identify|analy[sz]e|spot|description|this one|{PICTURE}|wer|wen|was|wann|wo|wie|welche[rs]?|ist|sind|zeigt"
    rf"|qu[eé]|qui[eé]n(?:es)?|cu[aá]ndo|d[oó]nde|c[oó]mo|cu[aá]nt[oa]s|hay|es|est[aá])\b|\?|{A_CONCEPT}",
    re.IGNORECASE,
)
NEEDS_PHOTO = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?:describe|caption|explain|analy[sz]e|look at|check|examine|identify) (?:this|that|it|the|my)(?: last| latest)?"
        r"(?: photo| picture| image| pic| one| shot| selfie)?[.!?]*$",
        r"^(?:describe|caption|analy[sz]e) (?:a|an|one|some|my) (?:photo|picture|image|pic|selfie|photos|pictures)\b",
        r"\bwho(?:'s| is| are| was)? (?:this|that|these|he|she|they|it|in (?:it|this|that|there|here|the (?:photo|picture|image|pic)))\b",
        r"^who (?:do|can) you (?:see|recogni[sz]e)(?: in| here| there|[.!?]*$)",
        r"\bwhat(?:'s| is| are| can you see| do you see| does it show| is shown| else is)? (?:in|on) (?:it|this|that|here|there"
        r"|(?:the|this|that|my) (?:photo|picture|image|pic|shot|background))\b",
        r"^what(?:'s| is) (?:this|that)(?: a (?:photo|picture|image) of)?[.!?]*$",
        r"^what do you see\b",
        rf"^(?:is|are|isn't|was) (?:this|that|it|he|she|these)(?: really| actually| also| my \w+)? (?:{A_CONCEPT}|[^\Wa-z\d_]\w+)[.!?]*$",
        rf"^(?:is|are|was|isn't|does|do you (?:see|recogni[sz]e|spot)|can you (?:see|spot|find|recogni[sz]e)) {A_CONCEPT}"
        r".*\b(?:in|on|here|there|it|this|that|photo|picture|image)\b",
        rf"^(?:do|can) you (?:see|spot|recogni[sz]e) {A_CONCEPT}[.!?]*$",
        # Whether anybody or anything is in it, whatever the words for that are.
        r"^(?:is|are|isn't|aren't|was|were|do you see|can you see|can you spot|does) \S.*\b(?:in|on) (?:it|there"
        r"|(?:this|that|the|my)(?: last| same)? (?:photo|picture|image|pic|shot|one))[.!?]*$",
        rf"^(?:is|isn't|was|wasn't) (?:this|that) [^.!?]*(?:{A_CONCEPT}|[A-ZÀ-Þ]\w+)[.!?]*$",
        r"^(?:is|are|was|were|does|do|did) (?:he|she|they) \w+",
        r"^(?:and )?(?:when|where|who|what)[?!. ]*$|^(?:wann|wo) (?:war|ist) das\b|^(?:cu[aá]ndo|d[oó]nde) (?:fue|es|era)\b"
        r"|^how sure are you that (?:this|that|it) is\b",
        rf"^(?:is|isn't) (?:this|that|it) (?:(?:a|the|my) )?(?:photo|picture|image|pic) of {A_CONCEPT}",
        r"^(?:where|when|by whom) (?:was|is) (?:this|that|it)(?: photo| picture| image)?(?: taken| shot| made)?\b",
        r"^do you (?:recogni[sz]e|know) (?:anyone|anybody|someone|this|that|him|her|them|these)\b",
        r"^tell me (?:what's|what is|who is|who's|about) (?:in |on )?(?:this|that|it|the photo|the picture)\b",
    )
)
ASKS = re.compile(
    r"\?|^(?:and |but |so |then |please |hey |hi |ok |und |y )*(?:who|whom|whose|what|wat|where|when|which|why|how|is|isn't|are|aren't"
    r"|was|were|does|do|did|can|could|has|have|any|describe|tell|caption|explain|look|check|identify|analy[sz]e|recogni[sz]e|find|read"
    r"|count|name|wer|wen|wem|wann|wo|wie|welche[rs]?|ist|sind|beschreib\w*|siehst|kannst|qu[eé]|qui[eé]n(?:es)?|cu[aá]ndo|d[oó]nde"
    r"|c[oó]mo|cu[aá]nt[oa]s|hay|describe|dime|ves)\b|\b(?:wonder|can't tell|cannot tell|not sure|unsure|curious|no idea|don't know|want to know|like to know)\b.*\b(?:who|what|if"
    r"|whether|where|when|which)\b|^was (?:ist|sind|siehst|steht|zeigt|hat|macht)\b",
    re.IGNORECASE,
)
"""A question about a photo, or a wish to hear about it; anything else that comes with a photo may be a correction."""
PLAIN_DESCRIBE = re.compile(
    rf"^(?:(?:please )?(?:describe|caption|tell me about|look at|explain|analy[sz]e|check(?: out)?|what(?:'s| is) (?:in|on|this)"
    rf"|what do you see (?:in|on)|what can you see (?:in|on)|what does)(?: this| that| the| my)?(?: photo| picture| image| pic"
    rf"| one| file)?[: ]*(?:{A_PHOTO})?(?: show)?(?: for me)?|{A_PHOTO})[\s.!?,]*(?:please)?[\s.!?]*$",
    re.IGNORECASE,
)
PHOTO_PHRASE = re.compile(
    rf"(?:(?:the|this|that|my) )?(?:(?:photo|picture|image|pic|file) )?{A_PHOTO}", re.IGNORECASE
)

NAME = rf"(?P<name>(?-i:{A_CONCEPT}|{CAPITAL})[^,.!?]*?|\"[^\"]+\"|'[^']+')"
STATEMENT = re.compile(
    rf"^(?:(?:i|we|you|he|she|they|it|that|this|these|those|the \w+|my \w+|{A_CONCEPT}) (?:\w+ )?(?:is|are|was|were|has|had|have|drew"
    r"|painted|drawn|made|makes|took|takes|turned|looks?|likes?|loves?|hates?|went|goes|did|does|got|sent|gave|saw|bought"
    r"|remember|think|thought|know|knew|should|must|might)\b)",
    re.IGNORECASE,
)
