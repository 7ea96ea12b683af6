"""Asks once, in plain words, whether faces may be recognised. Knows the library's switch and the terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from assistant.presentation.printable import short_path, wrapped
from personalizer.errors import FamiliarError, UsageError
from personalizer.library.library import Library

QUESTION = """Familiar can recognise people by their faces.

  What it does   For every face in your photos it computes a list of 128
                 numbers by which the same face is found again. The law of
                 many countries calls that biometric data.
  Where it is    In {home}, which only your account may
                 read. Nothing of it ever leaves this machine.
  Undoing it     familiar faces off --erase   removes all of it for good;
                 familiar forget NAME         removes one person.

Other people are in your photos too: they may want to be asked.
Without faces, pets, things and whole photos work as they do with them.

May Familiar look for faces? [y/n] """
NOTE = "Note: faces are looked for, on this machine only. To have that off: familiar faces off"


def question_about_faces(home: Path | str) -> str:
    """The question, for a front end that asks it itself."""
    return QUESTION.format(home=short_path(home)).rstrip()


def settle_consent(
    library: Library, somebody_is_there: bool, *, yes: bool = False, no_faces: bool = False
) -> None:
    """See that it is decided whether faces may be looked for: by an option, by asking, or, for scripts, with a note.

    Raises UsageError for both options at once, FamiliarError when the answer never comes.
    """
    if yes and no_faces:
        raise UsageError(
            tried="reading the options", found="both --yes and --no-faces", fix="Give one of the two."
        )
    if yes or no_faces:
        library.switch_faces(not no_faces)
        return
    if library.was_asked_about_faces():
        return
    if not somebody_is_there:
        if library.faces_are_on():
            print(NOTE, file=sys.stderr, flush=True)
        return
    library.switch_faces(_answer(library))


def _answer(library: Library) -> bool:
    text = wrapped(QUESTION.format(home=short_path(library.path.parent)), shutil.get_terminal_size().columns)
    print(text, end="", file=sys.stderr, flush=True)
    for line in sys.stdin:
        match line.strip().casefold():
            case "y" | "yes":
                return True
            case "n" | "no":
                print("Faces are left alone. To change that: familiar faces on", file=sys.stderr)
                return False
        print("Please answer y or n: ", end="", file=sys.stderr, flush=True)
    raise FamiliarError(
        tried="asking about faces",
        found="there was no answer",
        fix="Run it again, with --yes or with --no-faces.",
    )
