"""Answers of the program to questions about itself, to unsupported requests, and to small talk.

Every sentence is a fact about this program or this home. Knows the library's counts and names; runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.chat.replies import CANNOT_HELP
from assistant.chat.router.help_rules import Topic
from assistant.presentation.printable import short_path
from assistant.service.familiar import Familiar
from personalizer.errors import counted


def program_answer(topic: Topic, familiar: Familiar) -> str:
    """The answer to a question of this topic. `scan`, `status`, `suggestions`, `why` and `quit` are done instead."""
    names = familiar.library.names()
    name = names[0] if names else "Bo"
    if topic == "abilities":
        return _abilities(names)
    if topic == "privacy":
        return _privacy(familiar)
    return _ANSWERS[topic].replace("NAME", name)


def _abilities(names: Sequence[str]) -> str:
    first, second = (*names, "Bo", "Amy")[:2]
    known = f"I know {_listed(names)} from your photos." if names else "I know nobody by name yet."
    return "\n".join(
        [
            f"{known} You can say:",
            "· “who is in PHOTO?”, “when was it taken?”, “what does the sign say?”",
            f"· “photos of {first} last summer”, “when did I last see {second}?”",
            f"· “draw {first} on a beach”, then “another one”",
            "· “who do you know?”, “call number 3 Rex”, “train Rex”",
            f"· “that's not {first}”, “{first} and {second} are the same”, “undo”",
            f"· “remember that {first} loves cheese”, “what does {first} love?”, “forget {first}”",
            "/help lists the commands. Everything happens on this machine.",
        ]
    )


def _privacy(familiar: Familiar) -> str:
    status = familiar.library.counts()
    faces = "on" if familiar.library.faces_are_on() else "off"
    if faces == "on" and not familiar.library.was_asked_about_faces():
        faces = "something that I ask about first"
    return "\n".join(
        [
            "Nothing leaves this machine: I send nothing anywhere, and there is no account and no telemetry.",
            f"What I know is in {short_path(familiar.home.root)}, which only your account may read: what I found "
            f"in {counted(status['photos'], 'photo')}, names, and what you told me. The photos stay where they are, "
            "and I do not change them.",
            f"Looking for faces is {faces} (`familiar faces on|off`). “forget NAME” removes everything about someone; "
            "deleting that folder removes everything.",
        ]
    )


_ANSWERS: dict[str, str] = {
    "about": (
        "I am Familiar, a program on this computer that knows the people, pets and things in your photos. "
        "I am no person, and I say only what I can look up. “what can you do?” lists it."
    ),
    "upload": (
        "I can't send, share, post or print anything, and I have not done it: nothing leaves this machine. "
        "“photos of NAME” shows where the files are, so that you can do it yourself."
    ),
    "delete_photos": (
        "I can't delete, move or change photos, and I have not touched any: I only read them. Your file manager "
        "deletes them, and I notice. What I can remove is what I learned about someone: “forget NAME”."
    ),
    "edit_photos": (
        "I can't change, sort or arrange photos, and I have not touched any: I only read them. I can find them "
        "(“photos of NAME”), say who is in one, and draw new pictures (“draw NAME on a beach”)."
    ),
    "drawing": (
        "Say “draw” and what you want to see, such as “draw NAME on a beach”; “another one” draws it again. "
        "Someone with a name has to be trained first: “train NAME”."
    ),
    "describing": (
        "Name a photo's file and ask: “who is in ~/Pictures/party.jpg?”, “when was it taken?”. What I can't "
        "tell, I say."
    ),
    "finding": (
        "Say who, what, when or where: “photos of NAME on a beach in 2022”, “when did I last see NAME?”, "
        "“receipts from May”."
    ),
    "adding": (
        "Type /add and the folder, such as /add ~/Pictures. I read the photos in it, find faces and things, and ask "
        "who they are. A running `familiar watch` notices new photos by itself."
    ),
    "naming": (
        "“call number 3 Rex” names a group, “rename Rex to Max” changes a name; “who do you know?” lists the numbers. "
        "Mistakes: “that's not NAME”, “yes, that's NAME”, “NAME and number 4 are the same”, and “undo”."
    ),
    "training": (
        "“train NAME” learns someone whom you have named, from their photos; it takes a few minutes, and then I can "
        "draw them. Someone new: /learn NAME and three to five photos. Recognizing someone needs no training."
    ),
    "forgetting": (
        "“forget NAME” removes everything that I learned and recorded about someone, for good: I ask for the name once "
        "more before. Your photos are not touched. `familiar faces off --erase` removes all faces."
    ),
    "undoing": (
        "“undo” takes back the last thing that you said about people, pets and things: a name, a merge, a yes or no. "
        "Forgetting cannot be undone."
    ),
    "remembering": (
        "“remember that NAME loves cheese” keeps it in your words; “what does NAME love?” quotes it. "
        "/profile NAME lists what you told me, and /profile NAME remove 1 removes the first of it."
    ),
    "instructions": (
        "I have no hidden instructions that words could change: I look things up, draw, and note what you tell me. "
        "“what can you do?” lists it."
    ),
    "acts": (
        "No. I change nothing outside my own library and send nothing anywhere; a photo is only read. Whatever I do "
        "stands in this chat, in a line of its own, when I do it."
    ),
    "backup": (
        "`familiar backup FILE` in a terminal writes all that I know into one file, and `familiar restore FILE` "
        "brings it back; photos are not in it."
    ),
    "formats": (
        "I read JPEG, PNG, HEIC and HEIF, WebP, AVIF, TIFF, GIF, MPO, BMP, JPEG 2000, PPM, Targa, and the previews in "
        "camera RAW files (DNG, CR2, CR3, NEF, ARW, RAF, ORF, RW2 and others). No videos."
    ),
    "left": (
        "What I was told to forget is gone for good: from my library, from drawings, from kept chats and from search. "
        "Backups that were made before may still hold it: `familiar backups` lists these. “who do you know?” says "
        "who is left."
    ),
    "language": "I understand English, German and Spanish, and answer in English.",
    "internet": "I open no addresses: I have no way to the internet. Save the picture as a file, and give me its path.",
    "attaching": (
        "Type the photo's path into your question, or drop the file on the terminal, which types it: "
        "“who is in ~/Pictures/party.jpg?”. After that, “it” is that photo."
    ),
}

NOTHING = "All right: I do nothing."
DONE_ALREADY = "It is done already. “undo” takes it back."
"""Where something was changed right before."""
_SMALL_TALK: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), answer)
    for pattern, answer in (
        (
            r"^(?:(?:hi|hello|hey|hallo|hola|moin|servus|hiya|yo|good (?:morning|evening|afternoon|day)"
            r"|guten (?:morgen|tag|abend)|buen[oa]s (?:días|tardes|noches)"
            r"|greetings|howdy)\b[ ,!.]*(?:there|familiar|du|todos)?)+(?:[!., ]+\w+){0,4}[!., ]*$",
            "Hello. Ask me about your photos, or for a drawing; “what can you do?” lists the rest.",
        ),
        (
            r"\b(?:died|passed away|is dead|put (?:him|her) down|funeral|gestorben|ist tot|murió|ha muerto|falleció)\b"
            r"|^(?:i(?:'m| am) (?:so |very |really )?(?:sad|lonely|unhappy|depressed|heartbroken)|i miss\b"
            r"|ich vermisse|ich bin traurig|estoy triste|echo de menos|extraño a)",
            "I am sorry to hear that. I am only a program; what I can do is find photos: “photos of …”.",
        ),
        (r"\b(?:thanks|thank you|thx|danke|gracias|cheers)\b", "You're welcome."),
        (
            r"^(?:ok(?:ay)?[ ,]*)?(?:bye|good ?bye|see you|good ?night|tschüss|auf wiedersehen|adiós|hasta luego"
            r"|later)\b",
            "Goodbye. /quit closes the chat.",
        ),
        (
            r"^(?:(?:please )?(?:don't|do not|stop|never|nothing|cancel|no,? wait|wait)\b|never ?mind"
            r"|forget (?:it|that)|not now|nein\b|nicht\b|no,? gracias|nada)",
            NOTHING,
        ),
        (
            r"^(?:hi |hello |hey )?(?:how are you|how(?:'s| is) it going|how do you do|wie geht|¿?qué tal"
            r"|¿?cómo estás)",
            "I am a program, so I can't tell. What shall I look up?",
        ),
        (r"^(?:y|n|yes|yep|yeah|no|nope|sí|si|ja|nein)[!. ]*$", "I asked nothing that this could answer."),
        (
            r"^(?:ok|okay|wow|cool|nice|great|lol|haha\w*|good|fine|super"
            r"|genau|exactly|[^\w\s]+)(?: (?:one|work|job|exactly))?[!. ]*$",
            "Good.",
        ),
        (
            r"^(?:nah|dunno|idk|hm+|uh+|maybe|perhaps|not sure|i don't know|weiß nicht|no sé)[!. ]*$",
            "Take your time: nothing waits for an answer.",
        ),
    )
)


def small_talk(text: str, names: Sequence[str] = (), *, changed: bool = False) -> str:
    """What to say to words that no tool answers. `changed`: the request before changed something."""
    plain = text.strip()
    answer = next((answer for pattern, answer in _SMALL_TALK if pattern.search(plain)), None)
    if answer is None:
        unknown = _UNKNOWN.search(plain)
        if unknown is not None and unknown["name"] not in names:
            return f"I know nobody called {unknown['name']}. “who do you know?” lists those that I know."
        path = _PATH.search(plain)
        if path is not None:
            return f"{path[0]} is no photo that I can read. I read photos: JPEG, PNG, HEIC, RAW and others."
        return CANNOT_HELP.replace("Bo", names[0]) if names else CANNOT_HELP
    return DONE_ALREADY if changed and answer == NOTHING else answer


_UNKNOWN = re.compile(
    r"\b(?i:who is|who's|about|of|train|retrain|rename|call|split|remember|hide|unhide|merge|forget|teach|know|like)"
    r" (?i:that |my |the )?(?P<name>[A-ZÀ-Þ][a-zß-ÿ]+)\b"
)
_PATH = re.compile(r"(?<!\S)(?:~|\.{1,2})?/[\w.-]+(?:/[\w .-]*\w)*")


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:4], f"{len(names) - 4} more"] if len(names) > 5 else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
