"""Names that are ordinary words too: whether a word at a place in a text stands for the name.

A cat may be called Snow and a dog Rusty. "Snow sleeping" and "is snow here?" mean the cat; "a cabin in the snow"
and "an old rusty car" do not. Capital letters decide where they are written; elsewhere the words before and behind do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for tables that read best as one."""
    return frozenset(text.split())


# fmt: off
_GRAMMAR = word_set("""
    a am an and are as at be but by can could did do does for from had has have he her him his how i if in is
    it its may me might must my no not of off on or our out over shall she should so than that the their them
    then there these they this those to too under up us was we were what when where which who why will with
    would you your
""")
"""Words that are never a name in lower case, other than as the subject of a question: "is will here?"."""
_VERBS = word_set("""
    ask bash bob chase chip dash drew flip grant hope hunt jump mark nick pat pierce rob skip spike sue swing
    turn wade will may can bill
""")
_MASS = word_set("""
    amber art autumn basil bread brandy butter candy caramel chocolate cinnamon clay cloud cocoa coffee copper
    coral cotton crystal dawn diesel dust dusk fire fog frost fudge ginger gold grass gray green grey haze
    heather heaven home honey ice ivy jade jasmine jazz joy june july april august summer winter spring silk
    silver sky sleet smoke snow sugar sage sand satin salt spice steel storm sunshine thunder toffee velvet
    water whiskey wine wood rain rust pepper mint mist mocha mud music night nutmeg black blue bronze brown
    red pink purple white yellow orange violet faith grace charity patience prudence mercy harmony liberty
    justice luck light lightning shade silence time love peace champagne sherry rosemary hazel ash milk tea
    coal iron cream vanilla monday tuesday wednesday thursday friday saturday sunday january february march
    september october november december christmas easter halloween
""")
"""Words that stand without an article: "draw snow"."""
_OTHERS = word_set("""
    ace angel apple baby bag bandit bean bear bee belle berry birch biscuit bishop blaze blossom bolt boots
    boss bow boy brook bubbles bud buddy bug bunny button buttons captain car carter cat champ chance cherry
    chief clementine cliff clover coconut comet cookie cooper count cricket cupcake daisy dale dean dog doll
    domino dove dragon duchess duck duke dusty eagle earl ember eve falcon fancy fawn fern finch fisher flash
    flint flower fluffy fly forest fox frank freckles frosty fuzzy galaxy gem general gene ghost girl glen
    goldie goose guy happy hawk hazelnut heart hero holly house hunter iris jack jay jet jewel judge king
    kitten kitty kiwi lady lake lamp lark lily lion lord lucky magic major mango maple marble mason master
    maverick melody merry midnight miles miller minnow misty mittens monkey moon mouse muddy muffin mug nacho
    noodle nova nut ocean olive oreo owl paddy pancake panda panther parker patch patches pea peach peaches
    peanut pearl penny petal phoenix pickle pilot pip pixel pixie pony poppy pretzel prince princess puck
    pumpkin puppy queen rabbit radar ranger raven ray rebel rich river robin rock rocket rocky rose rover ruby
    rusty sailor sandy scout shadow shell shoe shorty skipper sky smokey smoky snowball snowflake snowy socks
    soldier sparky sparkle spider spirit spot squirt star stone stormy summit sun sunny sunset tank tawny
    taylor teddy tiger tinker toby tom toy trip truffle turbo turtle twig tulip valentine viper waffle waffles
    walker wave whiskers wild willow windy wolf wren young zebra guide
""")
_NO_NOUNS_BEHIND = word_set("""
    about above across after against alone along also am among and are around as asleep at awake away be
    before behind below beside between both but by can could did do does down during for from had has have he
    here if in inside into is isn't it like may might must near next nor not of off on onto or out outside
    over please right sad she should sits sit sat slept sleep so still than that the there they through to
    together together too toward under until up visible wants was wasn't we were when where while who will
    with without would you my our your his her a an happy jumping now today yesterday again either alone's
""")
_DETERMINERS = word_set("""
    it very so too quite rather
    a an the some any no every each another much more less many few several all enough lots that's whose what
    which there of-the my our your his her their its old new young big small little huge tiny tall deep fresh
    white black red blue green grey gray brown pink purple yellow orange dark bright light heavy wet dry cold
    warm hot beautiful pretty lovely wild single two three four five six rusty misty sandy dusty
""")
_ARTICLES = word_set("""
    a an the some any no every each another many few several two three four five six both these those
""")
_NO_ADJECTIVES = word_set("my our your his her their its what which whose there of-the that's it")
# fmt: on
_SUBJECT_PLACE = re.compile(
    r"(?:^|[\s,(])(?:is|was|isn't|wasn't|are|were|does|did|has|had|doesn't|didn't|hasn't|who's|where's|what's|whose|named"
    r"|called|(?:my|our|the) (?:cat|dog|puppy|kitten|horse|rabbit|pet|friend|son|daughter|brother|sister|wife|husband"
    r"|uncle|aunt|cousin|baby)|aunt|uncle|mrs|mr|miss|(?:who|where|what|how) (?:is|was|does|did|has|old is))\.?\s$",
    re.IGNORECASE,
)
_AUXILIARY_START = re.compile(
    r"^(?:may|will|can)\s+(?:i|you|we|it|he|she|they|there|the|this|that|my|your)\b", re.IGNORECASE
)
_NOUNS_IN_ING = word_set(
    "morning evening building wedding spring ring king string wing ceiling clothing bed shed seed weed"
)
_VERB_FORM = re.compile(r"\w{2,}(?:ing|ed)|\w{2,}[^s]s")
_NEXT_WORD = re.compile(r"\s+([\w⟦][\w'’]*)")
_LAST_WORD = re.compile(r"([\w'’-]+)\s+$")


def folded(name: str) -> str:
    """Letters without case, composed."""
    return unicodedata.normalize("NFC", name).casefold()


@cache
def is_ordinary_word(name: str) -> bool:
    """Whether a name is also a word that a text may use for something else."""
    return folded(name) in _GRAMMAR | _VERBS | _MASS | _OTHERS


def stands_for_name(text: str, start: int, end: int, name: str) -> bool:
    """Whether the word at `start` to `end` of `text`, spelt like `name`, means whoever is called so."""
    typed, word = text[start:end], folded(name)
    before, behind = text[max(0, start - 60) : start], text[end : end + 40]
    is_ordinary = is_ordinary_word(name)
    if start == 0 and is_ordinary and _AUXILIARY_START.match(text):
        return False
    if typed == name and name != word and (not is_ordinary or not _is_title_case(text)):
        return start > 0 or not is_ordinary or not _is_modifier(behind)
    last_word = _LAST_WORD.search(before)
    previous = last_word[1].casefold() if last_word else ""
    if name != word and typed == word and " " not in word and _is_one_of_many(before):
        # "a baker", "the old archer": whoever is called so has a capital letter and no article.
        return False
    if not is_ordinary:
        return " " in word or not (name != word and previous in _DETERMINERS and _modifies(previous, behind))
    if name == word and word in _OTHERS:
        # A thing that is called "mug" is written like any mug.
        return previous not in {"any", "no", "every", "another"}
    if _SUBJECT_PLACE.search(before):
        return not _is_modifier(behind)
    if word in _GRAMMAR | _VERBS | _MASS:
        return False
    return (previous not in _DETERMINERS or previous in {"my", "our"}) and not _is_modifier(behind)


def _is_one_of_many(before: str) -> bool:
    """Whether an article or a number stands before the word, with adjectives between."""
    words = re.findall(r"[\w'’-]+", before[-60:])[-4:]
    for word in reversed(words):
        if word.casefold() in _ARTICLES:
            return True
        if word.casefold() not in _DETERMINERS or word.casefold() in _NO_ADJECTIVES:
            return False
    return False


def overlooked_names(text: str, names: Iterable[str]) -> list[str]:
    """Names that a text has as words in small letters: should they be meant, a capital letter says so."""
    words = set(re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text)))
    return sorted(name for name in names if name != folded(name) and folded(name) in words)


def _modifies(previous: str, behind: str) -> bool:
    """Whether a word that follows `previous` belongs to a noun behind it: "an old rusty car"."""
    return previous not in {"my", "our", "the"} and _is_modifier(behind)


def _is_modifier(behind: str) -> bool:
    """Whether a noun seems to follow: "Misty morning", but "Misty sleeping"."""
    following = _NEXT_WORD.match(behind)
    if following is None or following[1].startswith("⟦"):
        return False
    word = following[1].casefold()
    is_verb = _VERB_FORM.fullmatch(word) and word not in _NOUNS_IN_ING
    return word not in _NO_NOUNS_BEHIND and not is_verb and not following[1][0].isupper()


def _is_title_case(text: str) -> bool:
    """Whether every word has a capital letter, so that capitals tell nothing."""
    words = re.findall(r"[^\W\d_]+", text[:500])
    has_grammar = any(folded(word) in _GRAMMAR for word in words)
    return len(words) > 2 and has_grammar and all(word[0].isupper() for word in words)
