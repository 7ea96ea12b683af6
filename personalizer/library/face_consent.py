"""Whether faces are looked for in a library's photos, and in which photos that was left out. Knows no detector."""

from __future__ import annotations

from collections.abc import Sequence

from personalizer.library.database import now_text
from personalizer.library.library import Library
from personalizer.schemas import Embedding, NewDetection

Found = tuple[NewDetection, Embedding]

_OFF = "faces.off"
_CONSENT = "faces.consent"
_ERASING = "faces.erasing"


def faces_are_on(library: Library) -> bool:
    """Whether faces may be looked for."""
    return library.setting(_OFF) is None


def switch_faces(library: Library, on: bool) -> None:
    """Look for faces from now on, or no longer. A person said so, which answers the question of consent."""
    with library.transaction():
        library.set_setting(_OFF, None if on else now_text())
        library.set_setting(_CONSENT, f"{'yes' if on else 'no'} {now_text()}")


def was_asked(library: Library) -> bool:
    """Whether a person has decided about faces."""
    return library.setting(_CONSENT) is not None


def still_wanted(library: Library, found: Sequence[Found], *, faces: bool) -> tuple[list[Found], bool]:
    """What was found in a photo, without its faces where they were switched off since it was looked at; and whether
    faces count as looked for. `faces` says whether they were. To be asked in the transaction that stores it.
    """
    faces = faces and faces_are_on(library)
    return [(new, vector) for new, vector in found if faces or new.kind != "face"], faces


def note_faceless(library: Library, photo_id: int) -> None:
    """Remember that no face was looked for in this photo."""
    library.connection.execute(
        "INSERT INTO faceless_photos(photo_id) VALUES (?) ON CONFLICT DO NOTHING", (photo_id,)
    )


def faceless_photos(library: Library) -> list[int]:
    """Photos in which faces are still to be looked for, newest first; none that showed somebody forgotten."""
    rows = library.connection.execute(
        """SELECT photo_id FROM faceless_photos JOIN photos ON photos.id = photo_id WHERE forgotten = 0
           ORDER BY taken_at DESC NULLS LAST, photo_id DESC"""
    )
    return [int(row["photo_id"]) for row in rows]


def note_looked_at(library: Library, photo_id: int) -> None:
    """Undo `note_faceless`."""
    library.connection.execute("DELETE FROM faceless_photos WHERE photo_id = ?", (photo_id,))


def begin_erasing(library: Library) -> None:
    """Note that all faces are to go, whatever happens meanwhile; until then nothing is answered about people."""
    # Where the file cannot be compacted in the end, at least its free pages hold nothing.
    library.connection.execute("PRAGMA secure_delete = ON")
    with library.transaction() as connection:
        library.set_setting(_OFF, now_text())
        library.set_setting(_ERASING, "1")
        connection.execute("UPDATE concepts SET state = 'hidden' WHERE kind = 'face'")


def is_erasing(library: Library) -> bool:
    """Whether erasing was begun and has not ended."""
    return library.setting(_ERASING) is not None


def end_erasing(library: Library) -> None:
    """Undo `begin_erasing`'s note."""
    library.set_setting(_ERASING, None)


def delete_faces(library: Library) -> tuple[int, int]:
    """Remove all faces with their vectors and memberships; (faces, vectors). Looked for again where it is allowed."""
    with library.transaction() as connection:
        faces = [detection.id for detection in library.detections(kind="face")]
        connection.execute(
            "INSERT INTO faceless_photos(photo_id) SELECT id FROM photos WHERE true ON CONFLICT DO NOTHING"
        )
        return library.delete_detections(faces)
