"""Records which photos newer models have to analyze again, and stores their results. Runs no model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from personalizer.errors import NotFoundError
from personalizer.library.database import path_from
from personalizer.library.photos.failures import DEATHS_FORGIVEN
from personalizer.library.photos.labels import replace_labels
from personalizer.library.photos.photos import PhotoRecords
from personalizer.library.photos.vectors import store_vector
from personalizer.schemas import Detection, Embedding, NewDetection, PhotoLabel

FIRST_DETECTORS = "activation-map|dlib-hog-5pt|dlib-resnet-v1:55533b28"
"""The analysis version of photos from before versions were recorded. Never change it."""
SAME_BOX_IOU = 0.5
"""A detection that overlaps an older one by so much is the same one, seen by newer models."""

_GIVEN_UP = "(reason IS NOT NULL OR attempts >= :most)"
_DUE = f"""forgotten = 0
    AND EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL)
    AND COALESCE(
        NULLIF(analysed_by, ''),
        (SELECT model || ':' || version || '|' || :first FROM vectors
         JOIN detections ON detections.id = detection_id
         WHERE detections.photo_id = photos.id AND kind = 'photo' ORDER BY vectors.rowid DESC LIMIT 1),
        ''
    ) != :version
    AND NOT EXISTS (SELECT 1 FROM analysis_strikes WHERE photo_id = photos.id
        AND analysis_strikes.analysed_by = :version AND {_GIVEN_UP})"""


@dataclass(frozen=True, slots=True)
class OutdatedPhoto:
    """A photo that newer models failed with: it keeps what older ones found, until somebody asks for it again."""

    photo_id: int
    path: Path
    reason: str
    attempts: int


class AnalysisRecords(PhotoRecords):
    """The part of the library that says what analysis has still to do, and what it has given up."""

    def photos_to_analyze(self, version: str, limit: int | None = None) -> list[int]:
        """Photos that other models than those of `version` looked at last, the newest first.

        Not those that show what was forgotten, those without a file, and those that these models failed with.
        """
        rows = self.connection.execute(
            f"SELECT id FROM photos WHERE {_DUE} ORDER BY taken_at IS NULL, taken_at DESC, id DESC LIMIT :limit",
            {
                "first": FIRST_DETECTORS,
                "version": version,
                "most": DEATHS_FORGIVEN,
                "limit": -1 if limit is None else limit,
            },
        )
        return [row["id"] for row in rows]

    def begin_analysis(self, photo_id: int, version: str) -> None:
        """Count an attempt to look at a photo again before it is made."""
        with self.transaction() as connection:
            connection.execute(
                """INSERT INTO analysis_strikes(photo_id, analysed_by, attempts) VALUES (?, ?, 1)
                   ON CONFLICT(photo_id) DO UPDATE SET
                     attempts = CASE WHEN analysed_by = excluded.analysed_by THEN attempts + 1 ELSE 1 END,
                     analysed_by = excluded.analysed_by, reason = NULL""",
                (photo_id, version),
            )

    def end_analysis(self, photo_id: int, reason: str | None) -> None:
        """Note why a photo could not be looked at again; None forgets the attempt, for another time."""
        with self.transaction() as connection:
            if reason is None:
                connection.execute("DELETE FROM analysis_strikes WHERE photo_id = ?", (photo_id,))
            else:
                connection.execute(
                    "UPDATE analysis_strikes SET reason = ? WHERE photo_id = ?", (reason, photo_id)
                )

    def outdated_photos(self) -> list[OutdatedPhoto]:
        """The photos that newer models failed with and whose file is there, by number."""
        rows = self.connection.execute(
            f"""SELECT photo_id, attempts, reason,
                  (SELECT path FROM photo_files WHERE photo_id = strikes.photo_id AND missing_since IS NULL
                   ORDER BY rowid LIMIT 1) AS path
                FROM analysis_strikes AS strikes JOIN photos ON photos.id = photo_id
                WHERE {_GIVEN_UP} AND path IS NOT NULL AND forgotten = 0 ORDER BY photo_id""",
            {"most": DEATHS_FORGIVEN},
        )
        return [
            OutdatedPhoto(
                row["photo_id"],
                path_from(row["path"]),
                row["reason"] or f"looking at it ended the program {row['attempts']} times",
                row["attempts"],
            )
            for row in rows
        ]

    def retry_analysis(self, photo_id: int | None) -> int:
        """Let newer models try a photo again that they failed with, with all its attempts; None means all of them.

        Returns how many photos that are. Raises NotFoundError where there is no such photo.
        """
        changed = self.connection.execute(
            f"DELETE FROM analysis_strikes WHERE {_GIVEN_UP} AND (:photo IS NULL OR photo_id = :photo)",
            {"most": DEATHS_FORGIVEN, "photo": photo_id},
        ).rowcount
        if photo_id is not None and not changed:
            raise NotFoundError(
                tried=f"looking at photo {photo_id} again",
                found="it is not among those that newer models failed with",
                fix="List them with: familiar jobs",
            )
        return changed

    def replace_analysis(
        self,
        photo_id: int,
        found: Sequence[tuple[NewDetection, Embedding]],
        version: str,
        labels: Sequence[PhotoLabel] = (),
        *,
        faces: bool = True,
    ) -> None:
        """Store what newer models found in a photo, in one transaction.

        A detection that is where an older one was keeps its number, and with it all that people said about it. Of
        the others, those stay that a person said something about. Without `faces` none were looked for, and those
        that are known stay as they are.
        """
        with self.transaction() as connection:
            left = [old for old in self.detections(photo_id) if faces or old.kind != "face"]
            self._replace(photo_id, left, found)
            replace_labels(connection, photo_id, labels)
            connection.execute("UPDATE photos SET analysed_by = ? WHERE id = ?", (version, photo_id))
            self.end_analysis(photo_id, None)

    def replace_faces(self, photo_id: int, found: Sequence[tuple[NewDetection, Embedding]]) -> None:
        """Store the faces that were found in a photo, as `replace_analysis` does; all else stays as it is."""
        with self.transaction():
            self._replace(photo_id, [old for old in self.detections(photo_id) if old.kind == "face"], found)

    def _replace(
        self, photo_id: int, left: Sequence[Detection], found: Sequence[tuple[NewDetection, Embedding]]
    ) -> None:
        pairs = sorted(
            (
                (_overlap(old, new), index, old.id)
                for index, (new, _) in enumerate(found)
                for old in left
                if old.kind == new.kind
            ),
            key=lambda pair: (-pair[0], pair[1], pair[2]),
        )
        same: dict[int, int] = {}
        for overlap, index, detection_id in pairs:
            if overlap >= SAME_BOX_IOU and index not in same and detection_id not in same.values():
                same[index] = detection_id
        for index, (new, embedding) in enumerate(found):
            if index in same:
                self._update_detection(same[index], new, embedding)
            else:
                self._insert_detection(self.connection, photo_id, new, embedding)
        # Afterwards, so that no new detection gets the number of one that is gone.
        gone = [(old.id,) for old in left if old.id not in same.values()]
        self.connection.executemany(
            """DELETE FROM detections WHERE id = ?1
               AND NOT EXISTS (SELECT 1 FROM memberships WHERE detection_id = ?1 AND source = 'user')
               AND NOT EXISTS (SELECT 1 FROM links WHERE ?1 IN (first_id, second_id))""",
            gone,
        )

    def _update_detection(self, detection_id: int, new: NewDetection, embedding: Embedding) -> None:
        box = new.box
        self.connection.execute(
            """UPDATE detections SET box_left = ?, box_top = ?, box_right = ?, box_bottom = ?, score = ?,
                 detector = ?, flaw = ?, colors = ? WHERE id = ?""",
            (
                *(box.left, box.top, box.right, box.bottom),
                *(new.score, new.detector, new.flaw, new.colors),
                detection_id,
            ),
        )
        store_vector(self.connection, detection_id, embedding)

    def drop_superseded_vectors(self, models: Iterable[tuple[str, str]]) -> int:
        """Remove the vectors of other models from detections that one of these (model, version) has a vector of."""
        removed = 0
        with self.transaction() as connection:
            for model, version in models:
                removed += connection.execute(
                    """DELETE FROM vectors WHERE (model, version) != (?1, ?2) AND detection_id IN
                         (SELECT detection_id FROM vectors WHERE model = ?1 AND version = ?2)""",
                    (model, version),
                ).rowcount
        return removed


def _overlap(old: Detection, new: NewDetection) -> float:
    """Intersection over union; 1 for whole photos, of which there is one."""
    return 1.0 if old.kind == "photo" else old.box.iou(new.box)
