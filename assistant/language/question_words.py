"""Words that questions about photos are made of: people, animals, things, colors, and typing mistakes in them."""
# ruff: noqa: E501 - tables of words read best in long lines

from __future__ import annotations

import unicodedata

from assistant.language.ordinary_words import word_set
from assistant.language.translations import GERMAN_NOUNS, SPANISH_NOUNS

# fmt: off
PEOPLE = word_set("""
    people person persons human humans man men woman women guy guys girl girls boy boys child children kid
    kids baby babies adult adults lady ladies gentleman gentlemen dude lad toddler toddlers teenager teenagers
    bride groom someone somebody anyone anybody everyone everybody folks friend friends stranger strangers
""")
PEOPLE_ANY = word_set("""
    people person persons human humans someone somebody anyone anybody everyone everybody folks us
""")
ANIMALS = word_set("""
    animal animals pet pets dog dogs puppy puppies doggy cat cats kitten kittens kitty horse horses pony
    ponies cow cows sheep goat goats pig pigs bird birds duck ducks chicken chickens goose swan fish mouse
    mice rabbit rabbits bunny bear bears monkey monkeys elephant elephants lion lions tiger tigers bee bees
    butterfly butterflies hamster parrot turtle snake frog fox wolf deer squirrel whale dolphin penguin owl
    giraffe zebra lizard spider insect
""")
COLORS = word_set("""
    red blue green yellow brown black white gray grey pink orange purple violet beige golden gold silver
    turquoise blond blonde ginger cream tan maroon navy cyan magenta teal colorful colourful
""")
SCENES = word_set("""
    beach sea lake river water wave mountain mountains forest wood woods tree trees flower flowers grass
    meadow garden park field snow ice rain sky cloud clouds sun moon star stars rainbow fog fire sunset
    sunrise house building church castle tower bridge city town village street road path square kitchen room
    living-room bathroom bedroom office school desert island ocean pool hill hills valley waterfall coast
    shore sand harbor harbour station airport restaurant cafe bar shop market museum zoo farm playground
    stadium balcony terrace backyard yard lawn indoors outdoors inside outside home
""")
THINGS = word_set("""
    car cars train bus bicycle bike motorcycle airplane plane boat ship truck table chair chairs sofa couch
    bed lamp window door mirror book books letter newspaper sign text phone camera computer laptop screen
    television tv clock watch glasses hat cap shirt dress trousers jacket coat shoe shoes backpack rucksack
    bag suitcase umbrella ball toy doll present cake bread apple banana pizza coffee tea beer wine food glass
    cup mug plate bottle spoon knife fork wedding birthday candle candles tent flag fence stairs roof floor
    wall bench art leather wood metal music smoke shark dinosaur guitar piano scarf beard hat tie balloon kite
    leaf leaves shadow rock stone rocks statue
""")
KNOWN_NOUNS = PEOPLE | ANIMALS | SCENES | THINGS | set(" ".join([*GERMAN_NOUNS.values(), *SPANISH_NOUNS.values()]).split())
GRAMMAR = word_set("""
    a an the this that these those it its he him his she her hers they them their i me my mine we us our ours
    you your is are was were be been being am do does did done has have had can could will would shall should
    may might must not no nor neither never and or but if whether so than then too also both either all any
    some each every other another in on at to of for from by with without about above below under over near
    beside besides behind before after since until between into inside outside through up down off out around
    as like except else only just even still ever yet who whom whose what which when where why how here there
    now today yesterday tomorrow anywhere somewhere visible many much more most few lot lots please thanks ok
    okay hey hi hello yes right left middle front back center centre real really maybe perhaps actually photo
    photos picture pictures image images pic pics shot selfie snap file one ones two three four five see look
    looks show shows find know think recognize recognise tell say says said name named called take taken took
    shot made alone together kind sort type breed species color colour colors colours year day month date time
    season week hour old new big small good bad same different sure certain correct true false january
    february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday summer winter spring autumn fall christmas easter halloween dark bright
    night day daytime nighttime sunny cloudy rainy foggy snowy windy light morning evening noon dusk dawn
    blurred blurry sharp focus edited cropped raining snowing happy sad angry tired hungry afraid scared
    asleep awake sleeping eating running playing sitting standing wearing smiling laughing crying walking
    swimming mrs mr miss ms dr something anything nothing everything nobody none english german spanish
    portrait landscape format size resolution private safe fake ai generated broken damaged rotated upside
    horizontal vertical ready okay cute nice beautiful funny
""")
"""Everything else that is no name where it stands in a question."""
RELATIONS = word_set("""
    mother mum mom mummy mommy mama father dad daddy papa parents parent sister brother sibling siblings wife
    husband son daughter grandma granny nana grandmother grandpa granddad grandad grandfather grandparents
    aunt auntie uncle cousin nephew niece boyfriend girlfriend fiance fiancee partner boss neighbor neighbour
    colleague teacher family mutter vater mutti vati schwester bruder frau mann sohn tochter oma opa tante
    onkel freund freundin eltern familie madre padre hermana hermano esposa esposo marido hija hijo abuela
    abuelo tia tio prima primo novia novio familia
""")
RELATIONS_ALONE = word_set("""
    mum mom mummy mommy mama dad daddy papa grandma granny nana grandpa granddad grandad mutti vati oma opa
""")
"""Those that are said without "my"."""
TITLES = word_set("""
    mr mrs ms miss mister dr doctor aunt auntie uncle grandma grandpa granny sir professor herr frau tante
    onkel oma opa senor senora tia tio
""")
_CONTRACTIONS = {
    "whos": "who is", "whats": "what is", "wheres": "where is", "whens": "when is", "hows": "how is", "thats": "that is",
    "theres": "there is", "heres": "here is", "isnt": "is not", "arent": "are not", "wasnt": "was not", "werent": "were not",
    "aint": "is not", "doesnt": "does not", "dont": "do not", "didnt": "did not", "cant": "can not", "couldnt": "could not",
    "hasnt": "has not", "havent": "have not", "wont": "will not", "wouldnt": "would not", "hes": "he is", "shes": "she is",
    "theyre": "they are", "im": "i am", "ive": "i have", "cannot": "can not", "whose's": "who is", "u": "you", "pls": "please",
    "plz": "please", "colour": "color", "colours": "colors", "coloured": "colored", "recognise": "recognize",
    "recognises": "recognize", "grey": "gray", "picture": "photo", "image": "photo", "pic": "photo", "photograph": "photo",
    "snapshot": "photo", "snap": "photo", "selfie": "photo", "shot": "shot", "pictures": "photos", "images": "photos", "pics": "photos",
    "photographs": "photos", "foto": "photo", "fotos": "photos", "center": "middle", "centre": "middle", "wich": "which",
    "teh": "the", "ths": "this", "tihs": "this", "thsi": "this", "whose": "whose", "wher": "where", "wen": "when",
    "pix": "photos", "anyone": "anybody", "someone": "somebody", "everyone": "everybody", "tv": "television",
    "itis": "it is", "isit": "is it", "wat": "what", "wut": "what", "hwo": "who", "thier": "their", "r": "are",
}
_COMMON = ("what", "when", "with", "this", "that", "there", "many", "where", "which", "photo", "picture", "photos", "taken",
           "people", "camera", "color", "colour", "alone", "blurry", "visible", "recognize", "describe")
_PLURALS = {"people": "person", "men": "man", "women": "woman", "children": "child", "kids": "child", "kid": "child",
            "mice": "mouse", "leaves": "leaf", "wolves": "wolf", "knives": "knife", "geese": "goose", "persons": "person",
            "somebody": "person", "anybody": "person", "everybody": "person", "humans": "person", "human": "person"}
_ALWAYS_PLURAL = word_set("""
    glasses stairs trousers jeans shorts grass dress bus christmas glass indoors outdoors sunglasses
""")
# fmt: on


def fold(word: str) -> str:
    """Lower case, no accents, no apostrophes: how words of a question are compared."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(
        letter for letter in decomposed if not unicodedata.combining(letter) and letter not in "'’"
    )


def plain_words(word: str) -> str:
    """A folded word as the grammar spells it: contractions written out, mistakes corrected."""
    known = _CONTRACTIONS.get(word)
    if known is not None:
        return known
    if is_known(word) or len(word) < 4 or not word.isascii():
        return word
    for candidate in _COMMON:
        if _is_mistyped(word, candidate):
            return _CONTRACTIONS.get(candidate, candidate)
    return word


def is_known(word: str) -> bool:
    """Whether a folded word is an ordinary one, and so no name."""
    return word in GRAMMAR or word in KNOWN_NOUNS or word in COLORS or word in RELATIONS or word.isdigit()


def is_unknown_name(word: str) -> bool:
    """Whether a folded word may be a name in small letters: no ordinary word, and no form of one."""
    return (
        word.isalpha()
        and len(word) > 1
        and not is_known(word)
        and not is_known(singular(word))
        and not word.endswith(("ing", "ed", "ly", "ful", "ous", "able", "ible", "ish", "ive", "est"))
    )


def singular(noun: str) -> str:
    """A folded noun for one of its kind: the words that answers are found by."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun in _ALWAYS_PLURAL or not noun.endswith("s") or noun.endswith(("ss", "us", "is")) or len(noun) < 4:
        return noun
    if noun.endswith("ies") and len(noun) > 4 and noun != "cookies":
        return f"{noun[:-3]}y"
    return noun[:-2] if noun.endswith(("ches", "shes", "xes", "sses")) else noun[:-1]


def _is_mistyped(word: str, candidate: str) -> bool:
    """One pair of letters exchanged; of five letters and more also one letter wrong, missing or doubled."""
    if sorted(word) == sorted(candidate):
        differing = [index for index in range(len(word)) if word[index] != candidate[index]]
        return len(differing) == 2 and differing[1] - differing[0] == 1 and word[0] in candidate[:2]
    if len(candidate) < 5 or abs(len(word) - len(candidate)) > 1 or word[0] != candidate[0]:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(word, candidate, strict=False)) if a != b),
        min(len(word), len(candidate)),
    )
    rest_word, rest_candidate = word[start:], candidate[start:]
    return (
        rest_word[1:] == rest_candidate[1:]
        or rest_word[1:] == rest_candidate
        or rest_word == rest_candidate[1:]
    )
