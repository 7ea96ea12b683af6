"""Reads and writes the backup file: an uncompressed ZIP with a manifest of SHA-256 hashes. Knows no library.

Reading treats the file as untrusted: only member names of a backup are accepted, the members together may not be larger
than the file, and every member is verified against its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from personalizer.errors import CorruptArtifactError, FamiliarError, NotFoundError, StorageError
from personalizer.storage_errors import storage_error

LIBRARY = "library.sqlite3"
SUFFIX = ".familiar-backup"
FORMAT = 1
_KIND = "familiar-backup"
_MANIFEST = "manifest.json"
_MAX_MANIFEST = 64 * 2**20
_PREFIX_FILE = re.compile(r"concepts/([1-9][0-9]{0,17})/([a-z0-9_]+\.[a-z0-9]+)", re.ASCII)
_BLOCK = 2**20
_FIX = "Use another backup: this one is damaged, or was not written by Familiar."

_ZIP_ERRORS = (
    zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError, struct.error,
)  # fmt: skip
"""What `zipfile` raises for a truncated or damaged file."""

"""Progress callback: the number of bytes read since the last call."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup's metadata: which library, its schema and its counts."""

    uid: str
    """Of the library."""
    schema: int
    """Schema version of the library file."""
    made_at: str
    """UTC, ISO 8601."""
    photos: int
    concepts: int
    """Named concepts."""
    faces: int
    last_photo: int
    last_concept: int

    @classmethod
    def parse(cls, values: Any) -> Manifest:
        """The manifest from parsed JSON. Raises `ValueError` for missing, mistyped or out-of-range values."""
        if not isinstance(values, dict):
            raise ValueError
        texts = [values.get(name) for name in ("uid", "made_at")]
        numbers = [
            values.get(name)
            for name in ("schema", "photos", "concepts", "faces", "last_photo", "last_concept")
        ]
        if not all(isinstance(text, str) and len(text) < 100 for text in texts):
            raise ValueError
        if not all(type(number) is int and 0 <= number < 2**62 for number in numbers):
            raise ValueError
        uid, made_at = map(str, texts)
        schema, photos, concepts, faces, last_photo, last_concept = (int(number or 0) for number in numbers)
        return cls(uid, schema, made_at, photos, concepts, faces, last_photo, last_concept)


def is_prefix_file(name: str) -> tuple[int, str] | None:
    """(concept id, file name) of a member that belongs to a learned prefix; None for any other name."""
    match = _PREFIX_FILE.fullmatch(name)
    return None if match is None else (int(match[1]), match[2])


def write_archive(path: Path, members: Mapping[str, Path | bytes], about: Mapping[str, Any]) -> None:
    """Write a new backup file with mode 0600 and sync it to the disk.

    `members` are contents, or files to copy, by member name; `about` holds the fields of `Manifest`. Raises `OSError`,
    also where `path` exists.
    """
    files: dict[str, dict[str, Any]] = {}
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, content in members.items():
                assert name == LIBRARY or is_prefix_file(name), name
                with archive.open(_entry(name), "w", force_zip64=True) as member:
                    digest, size = hashlib.sha256(), 0
                    for block in [content] if isinstance(content, bytes) else _blocks(content):
                        member.write(block)
                        digest.update(block)
                        size += len(block)
                files[name] = {"bytes": size, "sha256": digest.hexdigest()}
            document = {"kind": _KIND, "format": FORMAT, **about, "files": files}
            archive.writestr(_entry(_MANIFEST), json.dumps(document, indent=1))
        file.flush()
        os.fsync(file.fileno())


def _entry(name: str) -> zipfile.ZipInfo:
    # The real time is in the manifest: ZIP times have no time zone.
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o100600 << 16
    return entry


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


class Archive:
    """A backup that is open for reading; opening raises `CorruptArtifactError` where names or manifest are wrong."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self._entries = self._checked_entries()
        self.manifest, self._files = self._read_manifest()

    @property
    def size(self) -> int:
        """Bytes of all members together, without the manifest."""
        return sum(int(listed["bytes"]) for listed in self._files.values())

    def verify(self) -> None:
        """Compare every member with its hash. Raises `CorruptArtifactError`."""
        for name in self._files:
            for _ in self._read(name):
                pass

    def extract(self, folder: Path) -> list[Path]:
        """Write the members below `folder` with mode 0600, verify and sync them; returns the files.

        Raises `CorruptArtifactError` where a hash differs, and `OSError`.
        """
        written = []
        for name in self._files:
            target = folder.joinpath(*name.split("/"))
            # `mkdir(parents=True)` would apply the mode to the last folder only.
            for parent in reversed(target.relative_to(folder).parents):
                (folder / parent).mkdir(mode=0o700, exist_ok=True)
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for block in self._read(name):
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            written.append(target)
        return written

    def _checked_entries(self) -> dict[str, zipfile.ZipInfo]:
        entries: dict[str, zipfile.ZipInfo] = {}
        size = self.path.stat().st_size
        for entry in self._archive.infolist():
            if entry.filename not in (LIBRARY, _MANIFEST) and is_prefix_file(entry.filename) is None:
                raise self._damaged(f"it holds a file that is in no backup: {entry.filename[:200]!r}")
            if entry.filename in entries:
                raise self._damaged(f"it holds {entry.filename} twice")
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise self._damaged(f"{entry.filename} is compressed, as it is in no backup")
            if not 0 <= entry.header_offset < size:
                raise self._damaged(f"{entry.filename} cannot be found in it")
            if entry.flag_bits & 1:
                raise self._damaged(f"{entry.filename} is encrypted")
            entries[entry.filename] = entry
        if sum(entry.file_size for entry in entries.values()) > size:
            raise self._damaged("its parts are larger than the whole")
        return entries

    def _read_manifest(self) -> tuple[Manifest, dict[str, dict[str, Any]]]:
        entry = self._entries.get(_MANIFEST)
        if entry is None or entry.file_size > _MAX_MANIFEST:
            raise self._damaged("it has no manifest of Familiar")
        try:
            document = json.loads(b"".join(self._blocks_of(entry)))
            if document["kind"] != _KIND:
                raise ValueError
            if document["format"] != FORMAT:
                raise FamiliarError(
                    tried=self._tried,
                    found=f"it has format {str(document['format'])[:20]}, and this version of Familiar knows {FORMAT}",
                    fix="Install a newer familiar-assistant.",
                )
            manifest, files = Manifest.parse(document), document["files"]
            for listed in files.values():
                if type(listed["bytes"]) is not int or not isinstance(listed["sha256"], str):
                    raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._damaged("its manifest cannot be read") from error
        if set(files) != set(self._entries) - {_MANIFEST} or LIBRARY not in files:
            raise self._damaged("its manifest lists other files than it holds")
        return manifest, files

    def _read(self, name: str) -> Iterator[bytes]:
        """The blocks of a member; raises `CorruptArtifactError` after the last one where the hash differs."""
        listed, entry = self._files[name], self._entries[name]
        if listed["bytes"] != entry.file_size:
            raise self._damaged(f"{name} has another size than it should")
        digest = hashlib.sha256()
        for block in self._blocks_of(entry):
            digest.update(block)
            yield block
        if digest.hexdigest() != listed["sha256"]:
            raise self._damaged(f"the content of {name} is not what was written")

    def _blocks_of(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        try:
            with self._archive.open(entry) as member:
                while block := member.read(_BLOCK):
                    yield block
        except _ZIP_ERRORS as error:
            raise self._damaged(f"{entry.filename} cannot be read: {error}") from error

    @property
    def _tried(self) -> str:
        return f"reading the backup {self.path}"

    def _damaged(self, found: str) -> CorruptArtifactError:
        return CorruptArtifactError(tried=self._tried, found=found, fix=_FIX)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a backup for reading.

    Raises `NotFoundError` where there is no file, `CorruptArtifactError` for a damaged file, `StorageError` where the
    file cannot be opened, and `FamiliarError` for a backup in a newer format.
    """
    tried = f"reading the backup {path}"
    try:
        file: IO[bytes] = path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(tried=tried, found="there is no such file", fix="Check the path.") from error
    except IsADirectoryError as error:
        raise CorruptArtifactError(
            tried=tried, found="it is a folder", fix="Name the file that `familiar backup` wrote."
        ) from error
    except OSError as error:
        refused = storage_error(error)
        raise StorageError(
            tried=tried,
            found=str(error),
            fix="Allow yourself to read it." if refused is None else refused.fix,
        ) from error
    with file:
        try:
            archive = zipfile.ZipFile(file)
        except _ZIP_ERRORS as error:
            raise CorruptArtifactError(
                tried=tried, found="it is no backup, or its end is missing", fix=_FIX
            ) from error
        with archive:
            yield Archive(path, archive)
