"""Unpacks the home of an older version into a folder of a test and rewrites all paths in it.

Knows the archive and SQLite; imports none of our modules, so that moving them cannot break it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sqlite3
import sys
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).with_name("home-57da412.tar.xz")
NEUTRAL = "/tmp/familiar-upgrade"
"""Where the home was made: the only path in the archive."""
PYTHON, SOURCES = "@PYTHON@", "@SOURCES@"
"""Placeholders in the unit: the interpreter, and the folder with the packages."""
LIBRARY, LIBRARY_WITH_JOBS, EXPECTED = "library.sqlite3", "library-with-jobs.sqlite3", "expected.json"
_MARK = re.compile(rb"^# Written by .familiar service install.; sha256 [0-9a-f]{64}\n", re.MULTILINE)

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class OldHome:
    """An unpacked home, and what the older version printed and stored."""

    home: Path
    photos: Path
    backup: Path
    """Byte for byte as written, so the paths in it are the neutral ones."""
    unit: Path
    """A systemd unit of `familiar service install`, for this interpreter and this home."""
    expected: dict[str, Any]

    @property
    def database(self) -> Path:
        return self.home / LIBRARY


def unpack(folder: Path, *, with_jobs: bool = False) -> OldHome:
    """Unpack the archive into `folder`.

    `with_jobs`: with failed, running and queued jobs of every kind in the library, which else has only ended ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The library stores real paths, and a scan distrusts a folder that became a link.
    place = folder.resolve()
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    home = place / "home"
    if with_jobs:
        (home / LIBRARY_WITH_JOBS).replace(home / LIBRARY)
    else:
        (home / LIBRARY_WITH_JOBS).unlink()
    _rewrite_database(home / LIBRARY, str(place))
    for file in [*home.glob("concepts/*/*.json"), *home.glob("logs/*")]:
        file.write_text(_in_json(file.read_text(), str(place)))
    unit = place / "systemd" / "familiar.service"
    unit.write_bytes(_installed_unit(unit.read_text(), str(place)))
    expected = _rewritten(json.loads((place / EXPECTED).read_text()), str(place))
    [backup] = place.glob("backup/*")
    return OldHome(home, place / "photos", backup, unit, expected)


def dump(database: Path) -> Tables:
    """The rows of every table in the order of the primary key; a hash in place of bytes."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: [
                {name: _hashed(value) for name, value in dict(row).items()}
                for row in _rows(connection, table)
            ]
            for table in _tables(connection)
        }


def schema_version(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def differences(before: Tables, after: Tables) -> list[str]:
    """Rows of `before` that are gone, and rows that were added to its tables; other columns and tables are ignored."""
    found = []
    for table, rows in before.items():
        if table not in after:
            found.append(f"{table} is gone")
            continue
        columns = rows[0] if rows else {}
        present = [{name: row.get(name, "no such column") for name in columns} for row in after[table]]
        found += [f"{table}: gone: {row}" for row in rows if row not in present]
        found += [f"{table}: added: {row}" for row in present if row not in rows]
    return found


def unit_command(unit: Path) -> list[str]:
    """The program that a unit starts, with its arguments."""
    [line] = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    return shlex.split(line.removeprefix("ExecStart="))


def _tables(connection: sqlite3.Connection) -> list[str]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [str(name) for (name,) in names]


def _rows(connection: sqlite3.Connection, table: str) -> list[sqlite3.Row]:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    keys = [column["name"] for column in sorted(columns, key=lambda column: column["pk"]) if column["pk"]]
    return connection.execute(f"SELECT * FROM {table} ORDER BY {', '.join(keys) or 'rowid'}").fetchall()


def _hashed(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"{len(value)} bytes, sha256 {hashlib.sha256(value).hexdigest()[:40]}"
    return value


def _rewrite_database(database: Path, place: str) -> None:
    """Rewrite the paths in all texts, with the triggers off that count changes."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.create_function("rewritten", 1, lambda text: _rewritten(text, place))
        connection.execute("BEGIN")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for table in _tables(connection):
            for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
                connection.execute(
                    f"UPDATE {table} SET {column} = rewritten({column})"
                    f" WHERE typeof({column}) = 'text' AND instr({column}, ?)",
                    [NEUTRAL],
                )
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")


def _rewritten(value: Any, place: str) -> Any:
    """A value of SQLite or JSON with `place` for the neutral path, also in JSON that is stored as text."""
    if isinstance(value, str):
        return _in_json(value, place) if value.startswith(("{", "[")) else value.replace(NEUTRAL, place)
    if isinstance(value, list):
        return [_rewritten(element, place) for element in value]
    if isinstance(value, dict):
        return {_rewritten(key, place): _rewritten(element, place) for key, element in value.items()}
    return value


def _in_json(text: str, place: str) -> str:
    return text.replace(NEUTRAL, json.dumps(place)[1:-1])


def _installed_unit(text: str, place: str) -> bytes:
    """The unit with real paths and the checksum that belongs to them."""
    sources = str(Path(__file__).resolve().parents[2])
    for placeholder, path in ((PYTHON, sys.executable), (SOURCES, sources), (NEUTRAL, place)):
        text = text.replace(placeholder, path)
    content = _MARK.sub(b"", text.encode())
    digest = hashlib.sha256(content).hexdigest().encode()
    return b"# Written by `familiar service install`; sha256 " + digest + b"\n" + content
