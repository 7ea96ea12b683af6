"""The function words of searches, in folded English."""

from __future__ import annotations

from assistant.language.ordinary_words import word_set
from assistant.language.question_words import COLORS

# fmt: off
FILLERS = word_set("""
    show me us find search searching for get give list display look looking up all my our the any some every each
    both of photo photos picture pictures image images pic pics shot shots snap snaps do does did i we you have has
    had there are is was were be been see saw seen last first newest oldest latest earliest recent recently most
    many how count number please can could would like want to where when which that those these who whom what taken
    take takes taking
    made shot a an it its his her their this together one ones go went gone visit visited ever time times please
    thanks also else anything something everything stuff library collection mine know about been your
    hey hi hello got let thank thx pls plz kindly wanna gimme need took photograph photographed photographs
    either too really very
""")
NEGATIONS = word_set("without except excluding minus not no never neither")
PLACES = word_set("in on at near inside outside around beside under over by from during into onto through along")
LINKS = word_set("with of showing shows featuring containing including where while as")
TEXT = word_set("saying says say reads reading written text words lettering sign")
VERBATIM = word_set("saying says say reads")
"""Behind these stands what is written, word for word, "no parking" too."""
TITLE = word_set("titled captioned tagged called entitled keyword keywords caption title description described")
ALBUM = word_set("album albums folder folders directory")
FILE = word_set("file files filename")
PEOPLE = word_set("""
    people persons person faces face somebody someone anybody anyone humans human everybody everyone
""")
NOBODY = word_set("nobody noone")
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
           "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20}
OWN = word_set("my our the your his her their")
ALONE = word_set("alone only solo himself herself itself themselves")
TRIPS = word_set("trip trips vacation vacations journey journeys visit visits travels")
"""Before "to" they say no more than the place behind it."""
OPINIONS = word_set(
    "nice beautiful funny best favorite favourite good pretty lovely great cute amazing awesome cool"
)
QUALITIES = COLORS | word_set("""
    old new young big bigger biggest small little tiny tall long short dark bright broken dirty wet dry
""")
"""They say more of what stands behind them, and are nothing by themselves."""
PHOTOS = word_set("photo photos picture pictures image images pic pics shot shots snap snaps")
# fmt: on
OTHERS = "@others"
"""People beside those who are named."""
KNOWN_PEOPLE = "@known"
"""Anybody with a name."""
AT_LEAST, MORE_THAN = "@least", "@more"
"""A number of people follows."""
