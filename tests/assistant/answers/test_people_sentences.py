"""Whole sentences about who is in a photo, for every branch."""

from __future__ import annotations

from datetime import datetime

import pytest
from known_photos import person, photo_facts, thing

from assistant.answers.photo_facts import PhotoFacts
from assistant.answers.sentences import answer
from assistant.language.question_types import (
    Alone,
    Describe,
    HowMany,
    Other,
    Part,
    Presence,
    Told,
    WhoIsThere,
    WithWhom,
)

KNOWN = ["Amy", "Bo", "Brad", "Misty"]
NOW = datetime(2026, 3, 10, 12, 0)
AWAY = "people who look away show none"
NOBODY = "I don't recognise anyone or anything here."
OFF = "Looking for faces is off: familiar faces on."

EMPTY = photo_facts([person("Amy", 0.01, None)], [thing("Bo", 0.01)])
AMY = photo_facts([person("Amy", 0.97, 70), person("Brad", 0.02, None)], [thing("Bo", 0.01)])
AMY_AND_BRAD = photo_facts([person("Amy", 0.97, 70), person("Brad", 0.91, 5)], [thing("Bo", 0.01)])
AMY_AND_BO = photo_facts([person("Amy", 0.97, 70), person("Brad", 0.02, None)], [thing("Bo", 0.93)])
AMY_AND_STRANGERS = photo_facts([person("Amy", 0.97, 40)], [thing("Bo", 0.01)], strangers=(0, 75))
PERHAPS_AMY = photo_facts([person("Amy", 0.4, 10)], [thing("Bo", 0.01)])
PERHAPS_BO = photo_facts([person("Amy", 0.01, None)], [thing("Bo", 0.41)])
STRANGER = photo_facts([person("Amy", 0.01, 70)], [thing("Bo", 0.01)])
TWO_STRANGERS = photo_facts([person("Amy", 0.01, None)], strangers=(0, 60))
BO = photo_facts([person("Amy", 0.01, None)], [thing("Bo", 0.93)], main_thing="dog", outlined="Bo")
BO_WITHOUT_OUTLINE = photo_facts([person("Amy", 0.01, None)], [thing("Bo", 0.93)])
BO_AND_MISTY = photo_facts(things=[thing("Bo", 0.93), thing("Misty", 0.9)], main_thing="dog")
FACES_OFF = photo_facts([person("Amy", 0.01, None)], [thing("Bo", 0.01)], faces_are_on=False)
FACES_OFF_BO = photo_facts([person("Amy", 0.01, None)], [thing("Bo", 0.93)], faces_are_on=False)
CLEO = photo_facts([person("Amy", 0.97, 70), person("Brad", 0.96, 5), person("Cleo", 0.78, 40)])
AMY_WITHOUT_FACE = photo_facts([person("Amy", 0.999, None)], [thing("Bo", 0.01)])


def say(facts: PhotoFacts, *parts: Part, known: list[str] | None = None) -> str:
    told = {"Bo": ["loves cheese"]}
    words = answer(
        parts, facts, KNOWN if known is None else known, lambda name: told.get(name, []), NOW
    ).words
    assert "is not there" not in words and "isn't there" not in words
    assert "100 %" not in words and "(0 %" not in words and " 0 %" not in words
    assert "  " not in words and words == words.strip()
    return words


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (EMPTY, NOBODY),
        (AMY, "That is Amy (97 % sure)."),
        (AMY_AND_BRAD, "That is Amy (97 % sure) and Brad (91 % sure)."),
        (AMY_AND_STRANGERS, "That is Amy (97 % sure). There are also 2 faces that I don't know."),
        (STRANGER, "There is 1 face that I don't know."),
        (PERHAPS_BO, "This might be Bo (41 %)."),
        # The face that might be Amy's is not counted once more as an unknown one.
        (PERHAPS_AMY, "This might be Amy (40 %)."),
        (FACES_OFF, f"I don't recognise anything here. {OFF}"),
    ],
)
def test_a_description(facts: PhotoFacts, said: str) -> None:
    assert say(facts, Describe()) == said


@pytest.mark.parametrize(
    ("part", "facts", "said"),
    [
        (WhoIsThere(), EMPTY, NOBODY),
        (WhoIsThere(), AMY_AND_BO, "I see Amy (97 % sure). I think I also see Bo (93 % sure)."),
        (WhoIsThere(), PERHAPS_BO, "This might be Bo (41 %)."),
        (WhoIsThere(), PERHAPS_AMY, "This might be Amy (40 %)."),
        (WhoIsThere(), STRANGER, "I see 1 face that I don't know."),
        (WhoIsThere(), TWO_STRANGERS, "I see 2 faces that I don't know."),
        (WhoIsThere(kind="person"), AMY_AND_BO, "I see Amy (97 % sure)."),
        (WhoIsThere(kind="animal"), AMY_AND_BO, "I think I see Bo (93 % sure)."),
        # A dog is recognised; that nothing is would be untrue.
        (WhoIsThere(kind="person"), BO, "I don't recognise anybody here."),
        (WhoIsThere(kind="animal"), AMY, "I don't recognise any animal here."),
        (WhoIsThere(kind="thing"), AMY, "I don't recognise anything here."),
        (WhoIsThere(("Amy",), others=True), AMY, "I don't recognise anyone or anything else here."),
        (
            WhoIsThere(("Amy",), kind="person", others=True),
            AMY_AND_BO,
            "I don't recognise anybody else here.",
        ),
        (WhoIsThere(("Amy",), others=True), AMY_AND_BRAD, "I think I see Brad (91 % sure)."),
        (WhoIsThere(("Amy",), others=True), BO, "I don't see Amy here. I think I see Bo (93 % sure)."),
        (WhoIsThere(others=True), EMPTY, NOBODY),
        (
            WhoIsThere(("Amy",), others=True),
            FACES_OFF_BO,
            "Whether Amy is here I can't tell. I think I see Bo (93 % sure).",
        ),
        (WhoIsThere(kind="person"), FACES_OFF_BO, f"I don't recognise anybody here. {OFF}"),
        (WhoIsThere(position="left"), AMY_AND_BRAD, "I think the face on the left is Brad (91 % sure)."),
        (WhoIsThere(position="right"), AMY_AND_BRAD, "The face on the right is Amy (97 % sure)."),
        (WhoIsThere(position="middle"), AMY_AND_STRANGERS, "The face in the middle is Amy (97 % sure)."),
        (WhoIsThere(position="right"), AMY_AND_STRANGERS, "I don't know the face on the right."),
        # One face is on neither side of another, and two have no middle.
        (
            WhoIsThere(position="left"),
            AMY,
            "I see only one face, on the right of the photo: Amy (97 % sure).",
        ),
        (
            WhoIsThere(position="middle"),
            AMY_AND_BRAD,
            "I see 2 faces, from left to right: Brad (91 % sure) and Amy (97 % sure).",
        ),
        (WhoIsThere(position="left"), BO, "I think I see Bo (93 % sure)."),
        (WhoIsThere(position="front"), AMY, "I see Amy (97 % sure)."),
    ],
)
def test_who_is_there(part: WhoIsThere, facts: PhotoFacts, said: str) -> None:
    assert say(facts, part) == said


def test_a_face_that_might_be_somebodys_at_a_place() -> None:
    facts = photo_facts([person("Amy", 0.97, 70), person("Brad", 0.4, 5)])
    assert say(facts, WhoIsThere(position="left")) == "The face on the left might be Brad."
    assert say(facts, HowMany("faces")) == "I see 2 faces: Amy (97 % sure) and one that might be Brad."


@pytest.mark.parametrize(
    ("part", "facts", "said"),
    [
        (Presence(("Amy",)), AMY, "Yes, I see Amy (97 % sure)."),
        (
            Presence(("Amy", "Brad")),
            AMY_AND_BRAD,
            "I see Amy (97 % sure). I think I also see Brad (91 % sure).",
        ),
        (Presence(("Amy", "Brad")), AMY, "I see Amy (97 % sure). I don't see Brad here."),
        (Presence(("Amy", "Bo"), any_of=True), AMY, "I see Amy (97 % sure). I don't see Bo here."),
        (Presence(("Amy", "Bo"), any_of=True), EMPTY, "I don't see Amy or Bo here."),
        (Presence(("Bo",)), PERHAPS_BO, "I am not sure about Bo (41 %)."),
        (Presence(("Bo",), negated=True), BO, "I think I see Bo (93 % sure)."),
        (Presence(("Bo",), negated=True), EMPTY, "I don't see Bo here."),
        (Presence(("Amy",)), FACES_OFF, f"Whether Amy is here I can't tell. {OFF}"),
        (Presence(("Bo",)), FACES_OFF, "I don't see Bo here."),
        # A name that is compared with nothing, such as that of a hidden one.
        (Presence(("Misty",)), AMY, "Whether Misty is here I can't tell."),
        (
            Presence(("Amy",), ("Rex",)),
            AMY,
            "I see Amy (97 % sure). I don't know anyone or anything called Rex. I know Amy, Bo, Brad and Misty.",
        ),
        (
            Presence((), ("Boo",)),
            BO,
            "I don't know anyone or anything called Boo. Did you mean Bo?",
        ),
        (
            Presence(("Amy",), relations=("my mother",)),
            AMY,
            "I see Amy (97 % sure). I don't know “my mother”: nobody and nothing has that name.",
        ),
        (Presence(("Amy",), asks_where=True), AMY, "Amy (97 % sure) is on the right of the photo."),
        (Presence(("Bo",), asks_where=True), BO, "I think Bo (93 % sure) is on the left of the photo."),
        # Where the network looked most is not where somebody is.
        (
            Presence(("Bo",), asks_where=True),
            BO_WITHOUT_OUTLINE,
            "I think I see Bo (93 % sure); where in the photo I can't tell.",
        ),
        (
            Presence(("Bo",), asks_where=True),
            BO_AND_MISTY,
            "I think I see Bo (93 % sure); where in the photo I can't tell.",
        ),
        (
            Presence(("Amy",), asks_where=True),
            AMY_WITHOUT_FACE,
            "I see Amy (99 % sure); where in the photo I can't tell.",
        ),
        (Presence(("Amy",), asks_where=True), EMPTY, "I don't see Amy here."),
        (Presence(("Amy",), position="right"), AMY_AND_BRAD, "Yes, Amy (97 % sure) is on the right."),
        (
            Presence(("Amy",), position="left"),
            AMY_AND_BRAD,
            "I see Amy (97 % sure) on the right of the photo.",
        ),
        (Presence(("Amy",), position="right"), AMY, "Yes, Amy (97 % sure) is on the right."),
        (Presence(("Amy",), position="left"), AMY, "I see Amy (97 % sure) on the right of the photo."),
        (Presence(("Bo",), position="left"), BO, "I think Bo (93 % sure) is on the left."),
        (Presence(("Amy",), position="front"), AMY, "Amy (97 % sure) is on the right of the photo."),
    ],
)
def test_whether_somebody_is_there(part: Presence, facts: PhotoFacts, said: str) -> None:
    assert say(facts, part) == said


def test_without_any_name_that_is_said() -> None:
    said = say(photo_facts(), Presence((), ("Rex",)), known=[])
    assert said == "I don't know anyone or anything called Rex. Nothing has a name yet."


@pytest.mark.parametrize(
    ("part", "facts", "said"),
    [
        (HowMany("people"), EMPTY, f"I see no face; {AWAY}."),
        (HowMany("people"), FACES_OFF, f"I can't tell that. {OFF}"),
        (HowMany("faces"), AMY, "I see 1 face: Amy (97 % sure)."),
        (HowMany("people"), STRANGER, "I see 1 face, none that I know."),
        (HowMany("woman"), TWO_STRANGERS, "I see 2 faces, none that I know."),
        (HowMany("faces"), AMY_AND_STRANGERS, "I see 3 faces: Amy (97 % sure) and 2 that I don't know."),
        (HowMany("known"), AMY_AND_BO, "I recognise Amy (97 % sure) and Bo (93 % sure)."),
        (HowMany("known"), EMPTY, NOBODY),
        (HowMany("dog"), EMPTY, "I can count faces only, not what you ask for."),
        (HowMany("dog"), BO, "I can count faces only, not what you ask for. I think I see Bo (93 % sure)."),
        (HowMany("wombat pouch"), EMPTY, "I can count faces only, not what you ask for."),
    ],
)
def test_how_many(part: HowMany, facts: PhotoFacts, said: str) -> None:
    assert say(facts, part) == said


def test_one_of_a_kind_is_said_as_a_guess() -> None:
    facts = photo_facts(labels=[("dog", 0.95)])
    assert say(facts, HowMany("dog")) == (
        "I can count faces only, not what you ask for. It looks like a dog (95 %)."
    )


@pytest.mark.parametrize(
    ("part", "facts", "said"),
    [
        (WithWhom(("Amy",)), AMY_AND_BRAD, "I think I see Brad (91 % sure) with Amy (97 % sure)."),
        (WithWhom(("Amy",)), AMY_AND_BO, "I think I see Bo (93 % sure) with Amy (97 % sure)."),
        (WithWhom(("Amy",)), AMY, "I don't recognise anyone else with Amy (97 % sure)."),
        (WithWhom(("Amy",)), AMY_AND_STRANGERS, "There are also 2 faces that I don't know."),
        (WithWhom(("Amy",)), EMPTY, "I don't see Amy here. I don't recognise anyone else."),
        (WithWhom(("Bo",)), PERHAPS_BO, "I am not sure about Bo (41 %). I don't recognise anyone else."),
        (WithWhom(("Amy",)), BO, "I don't see Amy here. I think I see Bo (93 % sure)."),
        (WithWhom(("Bo",)), PERHAPS_AMY, "I don't see Bo here. This might be Amy (40 %)."),
        (WithWhom(()), EMPTY, NOBODY),
        (WithWhom(()), AMY, "I see Amy (97 % sure)."),
        (WithWhom(()), FACES_OFF, f"I don't recognise anything here. {OFF}"),
        (WithWhom(("Bo",)), FACES_OFF_BO, f"I don't recognise anyone else with Bo (93 % sure). {OFF}"),
        (
            WithWhom(("Amy",)),
            FACES_OFF,
            f"Whether Amy is here I can't tell. I don't recognise anyone else. {OFF}",
        ),
        (
            WithWhom((), ("Boo",)),
            AMY,
            "I see Amy (97 % sure). I don't know anyone or anything called Boo. Did you mean Bo?",
        ),
    ],
)
def test_with_whom(part: WithWhom, facts: PhotoFacts, said: str) -> None:
    assert say(facts, part) == said


@pytest.mark.parametrize(
    ("part", "facts", "said"),
    [
        (Alone(("Amy",)), AMY, f"I see no other face; {AWAY}."),
        (Alone(("Amy",)), AMY_AND_BRAD, "I think I also see Brad (91 % sure)."),
        # Both have a face: nobody else is what is asked.
        (
            Alone(("Amy", "Brad")),
            AMY_AND_BRAD,
            f"I think I see Brad (91 % sure). I see no other face; {AWAY}.",
        ),
        (Alone(("Amy",)), AMY_AND_STRANGERS, "No, there are also 2 faces that I don't know."),
        (Alone(("Amy",), negated=True), AMY_AND_STRANGERS, "There are also 2 faces that I don't know."),
        (Alone(("Amy",), negated=True), AMY_AND_BRAD, "I think I also see Brad (91 % sure)."),
        # A dog may be company and a mug is none: which of them Bo is nobody said.
        (Alone(("Amy",)), AMY_AND_BO, f"I think I also see Bo (93 % sure). I see no other face; {AWAY}."),
        (Alone(("Bo",)), AMY_AND_BO, "I think I see Bo (93 % sure). I also see Amy (97 % sure)."),
        (Alone(("Bo",)), BO, f"I think I see Bo (93 % sure). I see no face; {AWAY}."),
        (Alone(("Amy",)), BO, f"I don't see Amy here. I see no face; {AWAY}."),
        (
            Alone(("Amy",)),
            PERHAPS_AMY,
            "I am not sure about Amy (40 %). I see 1 face: one that might be Amy.",
        ),
        (Alone(), AMY, f"I see 1 face: Amy (97 % sure). I see no other; {AWAY}."),
        (Alone(), STRANGER, f"I see 1 face, none that I know. I see no other; {AWAY}."),
        (Alone(), TWO_STRANGERS, "No. I see 2 faces, none that I know."),
        (Alone(negated=True), TWO_STRANGERS, "I see 2 faces, none that I know."),
        (
            Alone(),
            AMY_AND_BO,
            f"I see 1 face: Amy (97 % sure). I see no other; {AWAY}. I think I also see Bo (93 % sure).",
        ),
        (Alone(), EMPTY, f"I see no face; {AWAY}."),
        (Alone(), FACES_OFF, f"I can't tell that. {OFF}"),
        (Alone(("Bo",)), FACES_OFF_BO, f"I think I see Bo (93 % sure). I can't tell that. {OFF}"),
        (
            Alone((), ("Boo",)),
            AMY,
            "I see 1 face: Amy (97 % sure). I don't know anyone or anything called Boo. Did you mean Bo?",
        ),
    ],
)
def test_whether_somebody_is_alone(part: Alone, facts: PhotoFacts, said: str) -> None:
    assert say(facts, part) == said


def test_both_an_acquaintance_and_a_stranger_beside_somebody() -> None:
    facts = photo_facts([person("Amy", 0.97, 40), person("Brad", 0.91, 70)], strangers=(0,))
    assert say(facts, Alone(("Amy",))) == (
        "No, I think I also see Brad (91 % sure). There is also 1 face that I don't know."
    )
    assert say(facts, WithWhom(("Amy",))) == (
        "I think I see Brad (91 % sure) with Amy (97 % sure). There is also 1 face that I don't know."
    )


def test_of_two_with_one_face_the_likelier_has_it() -> None:
    facts = photo_facts([person("Brad", 0.91, 40), person("Amy", 0.97, 40)])
    assert say(facts, HowMany("faces")) == "I see 1 face: Amy (97 % sure)."


def test_of_several_parts_none_begins_with_yes() -> None:
    """ "Yes, I see Bo" would say yes to the beach as well."""
    from assistant.language.question_types import Shown

    assert say(BO, Presence(("Bo",)), Shown(("beach",))).startswith("I think I see Bo (93 % sure).")


def test_what_was_told_is_quoted_and_the_rest_not_guessed() -> None:
    assert say(EMPTY, Told(("Bo",), "what does Bo love?")) == "You told me: “loves cheese”."
    assert say(EMPTY, Told(("Bo",), "who is Bo?", is_open=True)) == "You told me: “loves cheese”."
    assert say(EMPTY, Told(("Bo",), "how old is Bo?")) == (
        "You have not told me that about Bo. “remember that Bo …” does."
    )
    assert say(EMPTY, Told(("Amy",), "how old is Amy?")) == (
        "You have told me nothing about Amy. “remember that Amy …” does."
    )
    assert say(AMY, Other("is it art?")) == (
        "I can't tell that. What I know of this photo: That is Amy (97 % sure)."
    )
    assert say(EMPTY, Other("is Boo happy?", unknown_names=("Boo",))) == (
        "I can't tell that. I don't know anyone or anything called Boo. Did you mean Bo?"
        f" What I know of this photo: {NOBODY}"
    )
    assert say(EMPTY, Other("does Bo love it here?", ("Bo",))).startswith("You told me: “loves cheese”.")


@pytest.mark.parametrize("probability", [1.0, 0.9999, 0.5001, 0.0])
def test_no_percentage_is_certain(probability: float) -> None:
    facts = photo_facts([person("Amy", probability, 10)])
    for part in (Describe(), Presence(("Amy",)), HowMany("people"), WhoIsThere()):
        say(facts, part)


def test_an_answer_says_each_thing_once() -> None:
    assert say(EMPTY, Presence(("Bo",)), Presence(("Bo",))) == "I don't see Bo here."


@pytest.mark.parametrize(
    ("part", "probability", "said"),
    [
        (Presence(("Amy",)), 0.95, "Yes, I see Amy (95 % sure)."),
        (Presence(("Amy",)), 0.9399, "I think I see Amy (94 % sure)."),
        (Presence(("Amy",)), 0.56, "I think I see Amy (56 % sure)."),
        (Presence(("Amy",), negated=True), 0.56, "I think I see Amy (56 % sure)."),
        (Presence(("Amy",), position="right"), 0.95, "Yes, Amy (95 % sure) is on the right."),
        (Presence(("Amy",), position="right"), 0.78, "I think Amy (78 % sure) is on the right."),
        (
            Presence(("Amy",), position="left"),
            0.78,
            "I think I see Amy (78 % sure) on the right of the photo.",
        ),
        (Alone(("Bo",)), 0.78, "I think I also see Amy (78 % sure)."),
        (Alone(("Bo",)), 0.95, "No, I also see Amy (95 % sure)."),
        (WithWhom(("Bo",)), 0.78, "I think I see Amy (78 % sure) with Bo (99 % sure)."),
        (WithWhom(("Bo",)), 0.95, "I see Amy (95 % sure) with Bo (99 % sure)."),
        # Of whom somebody is there with is not sure either.
        (WithWhom(("Amy",)), 0.78, "I think I see Bo (99 % sure) with Amy (78 % sure)."),
        # A description carries its percentage and answers no question.
        (Describe(), 0.56, "That is Bo (99 % sure) and Amy (56 % sure)."),
    ],
)
def test_yes_is_said_from_95_percent_on(part: Part, probability: float, said: str) -> None:
    """Below that strangers that look alike would too often be called by the name."""
    assert say(photo_facts([person("Amy", probability, 70)], [thing("Bo", 0.99)]), part) == said


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            Presence(("Amy", "Brad", "Cleo")),
            "I see Amy (97 % sure) and Brad (96 % sure). I think I also see Cleo (78 % sure).",
        ),
        (Presence(("Amy", "Brad")), "Yes, I see Amy (97 % sure) and Brad (96 % sure)."),
        (
            WithWhom(("Amy",)),
            "I see Brad (96 % sure) with Amy (97 % sure). I think I also see Cleo (78 % sure).",
        ),
        (Alone(("Amy",)), "No, I also see Brad (96 % sure). I think I also see Cleo (78 % sure)."),
        (Alone(("Amy", "Brad")), "I think I also see Cleo (78 % sure)."),
    ],
)
def test_of_several_each_is_sure_or_a_guess(part: Part, said: str) -> None:
    assert say(CLEO, part) == said
