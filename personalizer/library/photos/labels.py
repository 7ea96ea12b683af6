"""What photos show in plain words, as analysis found it. Knows no network and no sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from personalizer.library.database import Database
from personalizer.schemas import PhotoLabel


class LabelRecords(Database):
    """The part of the library that keeps labels."""

    def labels(self, photo_id: int) -> list[PhotoLabel]:
        """The words of a photo, the likeliest first."""
        rows = self.connection.execute(
            "SELECT word, confidence, kind FROM photo_labels WHERE photo_id = ? ORDER BY confidence DESC, word",
            (photo_id,),
        )
        return [PhotoLabel(row["word"], row["confidence"], row["kind"]) for row in rows]


def replace_labels(connection: sqlite3.Connection, photo_id: int, labels: Sequence[PhotoLabel]) -> None:
    """Store the words of a photo in place of those that it had; none where it showed what was forgotten."""
    connection.execute("DELETE FROM photo_labels WHERE photo_id = ?", (photo_id,))
    connection.executemany(
        """INSERT INTO photo_labels(photo_id, word, confidence, kind)
            SELECT id, ?2, ?3, ?4 FROM photos WHERE id = ?1 AND forgotten = 0""",
        [(photo_id, label.word, label.confidence, label.kind) for label in labels],
    )
