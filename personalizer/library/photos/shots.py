"""Stores fingerprints of photos, and which photos are one shot. Compares nothing."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import numpy as np
import numpy.typing as npt

from personalizer.library.database import Database
from personalizer.photos import perceptual_hash as fingerprints
from personalizer.photos.perceptual_hash import TONES_BYTES, Fingerprint, Pictures
from personalizer.schemas import Int64Array

UInt64Array = npt.NDArray[np.uint64]
_DATED = """camera IS NOT NULL AND taken_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id)"""


@dataclass(frozen=True, slots=True)
class Taken:
    """When a photo was taken, and with what."""

    photo_id: int
    camera: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Follower:
    """A photo that another one, its leader, stands for."""

    photo_id: int
    leader_id: int
    beside_id: int | None = None
    """For a RAW file, the photo that the camera wrote together with it."""


def insert_fingerprint(connection: sqlite3.Connection, photo_id: int, made: Fingerprint) -> None:
    """Store a photo's fingerprint; one that is there is replaced, and the photo grouped anew."""
    # SQLite's numbers have a sign.
    signed = made.bits - (1 << 64) if made.bits >= 1 << 63 else made.bits
    connection.execute(
        "INSERT OR REPLACE INTO fingerprints(photo_id, version, bits, tones) VALUES (?, ?, ?, ?)",
        (photo_id, fingerprints.VERSION, signed, made.tones),
    )


class ShotRecords(Database):
    """The part of the library that says which photos are one shot."""

    def add_fingerprint(self, photo_id: int, made: Fingerprint) -> None:
        """For a photo that was stored without, or with one of an older version."""
        insert_fingerprint(self.connection, photo_id, made)

    def without_fingerprint(self, limit: int) -> list[int]:
        """Photos with a file that lack a fingerprint of the present version, newest first, but none that had to
        forget.
        """
        rows = self.connection.execute(
            """SELECT id FROM photos WHERE forgotten = 0
               AND NOT EXISTS (SELECT 1 FROM fingerprints WHERE photo_id = photos.id AND version = ?)
               AND EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL)
               ORDER BY id DESC LIMIT ?""",
            (fingerprints.VERSION, limit),
        )
        return [int(row["id"]) for row in rows]

    def pictures(self, photo_ids: Iterable[int] | None = None) -> tuple[Int64Array, Pictures, Int64Array]:
        """Photo ids `[n]` ascending, their fingerprints and their sizes in pixels `[n]`; of some photos, or of all."""
        chosen = None if photo_ids is None else json.dumps([int(photo_id) for photo_id in photo_ids])
        which = "" if chosen is None else "photo_id IN (SELECT value FROM json_each(?3)) AND"
        rows = self.connection.execute(
            f"""SELECT photo_id, bits, tones, width_px, height_px FROM fingerprints
                JOIN photos ON photos.id = photo_id
                WHERE {which} version = ?1 AND length(tones) = ?2 ORDER BY photo_id""",
            (fingerprints.VERSION, TONES_BYTES, *([] if chosen is None else [chosen])),
        ).fetchall()
        flat = np.frombuffer(b"".join(row["tones"] for row in rows), np.uint8)
        pictures = Pictures(
            np.array([row["bits"] for row in rows], np.int64).view(np.uint64),
            flat.reshape(len(rows), TONES_BYTES),
            np.array([row["width_px"] / max(row["height_px"], 1) for row in rows], np.float32),
        )
        sizes = np.array([row["width_px"] * row["height_px"] for row in rows], np.int64)
        return np.array([row["photo_id"] for row in rows], np.int64), pictures, sizes

    def picture_signs(self) -> tuple[Int64Array, UInt64Array]:
        """Photo ids `[n]` ascending and the bits of their fingerprints `[n]`."""
        cursor = self.connection.cursor()
        # Plain tuples: a hundred thousand of them are read for every new photo.
        cursor.row_factory = None
        cursor.execute(
            """SELECT photo_id, bits FROM fingerprints WHERE version = ? AND length(tones) = ?
               ORDER BY photo_id""",
            (fingerprints.VERSION, TONES_BYTES),
        )
        both = np.fromiter(chain.from_iterable(cursor), np.int64).reshape(-1, 2)
        return both[:, 0].copy(), both[:, 1].copy().view(np.uint64)

    def taken(self, photo_ids: Iterable[int] | None = None) -> list[Taken]:
        """Photos whose camera and time are known, and that have a file; some, or all."""
        chosen = None if photo_ids is None else json.dumps([int(photo_id) for photo_id in photo_ids])
        which = "1" if chosen is None else "id IN (SELECT value FROM json_each(?))"
        rows = self.connection.execute(
            f"SELECT id, camera, taken_at FROM photos WHERE {which} AND {_DATED}",
            [] if chosen is None else [chosen],
        )
        return [Taken(row["id"], row["camera"], datetime.fromisoformat(row["taken_at"])) for row in rows]

    def taken_within(self, one: Taken, apart: timedelta) -> list[Taken]:
        """What the same camera took at most so long before or after, and the photo itself."""
        rows = self.connection.execute(
            f"""SELECT id, camera, taken_at FROM photos
                WHERE camera = ? AND taken_at BETWEEN ? AND ? AND {_DATED}""",
            # What is stored may say fractions of a second, which sort behind the whole one.
            (one.camera, (one.at - apart).isoformat(), f"{(one.at + apart).isoformat()}~"),
        )
        return [Taken(row["id"], row["camera"], datetime.fromisoformat(row["taken_at"])) for row in rows]

    def has_suffix(self, suffixes: Iterable[str]) -> bool:
        """Whether any file has one of these suffixes, of four characters each and in small letters."""
        row = self.connection.execute(
            """SELECT EXISTS (SELECT 1 FROM photo_files
               WHERE lower(substr(path, -4)) IN (SELECT value FROM json_each(?)))""",
            (json.dumps(sorted(suffixes)),),
        ).fetchone()
        return bool(row[0])

    def first_files(self) -> dict[int, str]:
        """Where every photo is, by id: a file that is there, else one that was; without those that have no file."""
        cursor = self.connection.cursor()
        # Plain tuples: there are as many as photos.
        cursor.row_factory = None
        cursor.execute(
            "SELECT photo_id, path FROM photo_files ORDER BY photo_id, missing_since IS NOT NULL, rowid"
        )
        found: dict[int, str] = {}
        for photo_id, path in cursor:
            if photo_id not in found:
                found[photo_id] = os.fsdecode(path)
        return found

    def times(self, photo_ids: Iterable[int]) -> dict[int, datetime]:
        """When these photos were taken, where that is known."""
        rows = self.connection.execute(
            """SELECT id, taken_at FROM photos
               WHERE id IN (SELECT value FROM json_each(?)) AND taken_at IS NOT NULL""",
            (json.dumps([int(photo_id) for photo_id in photo_ids]),),
        )
        return {row["id"]: datetime.fromisoformat(row["taken_at"]) for row in rows}

    def with_files(self, photo_ids: Iterable[int]) -> set[int]:
        """Those of the photos that have a file, be it a missing one."""
        rows = self.connection.execute(
            "SELECT DISTINCT photo_id FROM photo_files WHERE photo_id IN (SELECT value FROM json_each(?))",
            (json.dumps([int(photo_id) for photo_id in photo_ids]),),
        )
        return {row["photo_id"] for row in rows}

    def not_grouped(self) -> set[int]:
        """Photos whose fingerprint has not been compared with the others yet."""
        rows = self.connection.execute(
            "SELECT photo_id FROM fingerprints WHERE grouped = 0 AND version = ?", (fingerprints.VERSION,)
        )
        return {row["photo_id"] for row in rows}

    def replace_followers(self, compared: Iterable[int], followers: Iterable[Follower]) -> None:
        """Store what was found about the `compared` photos; those that are not `followers` stand for themselves."""
        chosen = [(photo_id,) for photo_id in compared]
        with self.transaction() as connection:
            connection.executemany("DELETE FROM same_shots WHERE photo_id = ?", chosen)
            connection.executemany("UPDATE fingerprints SET grouped = 1 WHERE photo_id = ?", chosen)
            connection.executemany(
                "INSERT INTO same_shots(photo_id, leader_id, beside_id) VALUES (?, ?, ?)",
                [(one.photo_id, one.leader_id, one.beside_id) for one in followers],
            )

    def followers(self) -> list[Follower]:
        """Every photo that another one stands for."""
        rows = self.connection.execute(
            "SELECT photo_id, leader_id, beside_id FROM same_shots ORDER BY photo_id"
        )
        return [Follower(row["photo_id"], row["leader_id"], row["beside_id"]) for row in rows]

    def shot_counts(self) -> dict[str, int]:
        """`shots`: how many groups of several photos; `duplicates`: photos that another one stands for."""
        row = self.connection.execute(
            "SELECT COUNT(DISTINCT leader_id) AS shots, COUNT(*) AS duplicates FROM same_shots"
        ).fetchone()
        return {"shots": int(row["shots"]), "duplicates": int(row["duplicates"])}
