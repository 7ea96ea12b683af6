"""Nearest neighbours through Chroma: an index that can always be rebuilt from the library's vectors.

The only module that imports chromadb. Not process-safe: the worker alone opens it. Makes no vectors and never lets
Chroma make any, so it never fetches a model.
"""

from __future__ import annotations

import os
import re
import sqlite3
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from personalizer.errors import CorruptArtifactError
from personalizer.library.library import Library
from personalizer.schemas import DetectionKind, Embedding, Float32Array

_BATCH = 1000
_KINDS: tuple[DetectionKind, ...] = ("photo", "object", "face")


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """How the index differs from the library, which is right."""

    vectors: int
    missing: int
    extra: int
    different: int


class VectorStore:
    """One Chroma collection per kind of detection and version of model."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @cached_property
    def client(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return chromadb.PersistentClient(
                path=str(self.path), settings=Settings(anonymized_telemetry=False, allow_reset=False)
            )
        except Exception as error:  # Chroma raises what its storage raises
            raise CorruptArtifactError(
                tried=f"opening the vector index {self.path}",
                found=str(error).splitlines()[0][:300] if str(error) else type(error).__name__,
                fix="Make it anew: familiar rebuild-index",
            ) from error

    def _collection(self, kind: DetectionKind, model: str, version: str) -> Any:
        return self.client.get_or_create_collection(
            name=_collection_name(kind, model, version),
            # Without this explicit None, Chroma would set up (and download) a text model of its own.
            embedding_function=None,
            configuration={"hnsw": {"space": "l2" if kind == "face" else "cosine"}},
        )

    def sync(self, library: Library) -> int:
        """Push the vectors that the index lacks; returns how many.

        A vector is marked as indexed only after it is in Chroma, and what is gone from the library is taken out of
        Chroma first. A crash in between does either again, which changes nothing. Where Chroma then holds another
        number of vectors than it should, it is made anew.
        """
        pushed = self._push(library)
        held = {name: number for name, number in self.counts().items() if number}
        return pushed if held == _expected(library) else self.rebuild(library)

    def _push(self, library: Library) -> int:
        pushed = 0
        self._take_out(library)
        while batch := library.vectors_to_index(_BATCH):
            groups: dict[tuple[DetectionKind, str, str], list[tuple[int, int, Embedding]]] = {}
            for detection_id, kind, photo_id, embedding in batch:
                key = (kind, embedding.model, embedding.version)
                groups.setdefault(key, []).append((detection_id, photo_id, embedding))
            for key, group in groups.items():
                self._collection(*key).upsert(
                    ids=[str(detection_id) for detection_id, _, _ in group],
                    embeddings=[embedding.vector for _, _, embedding in group],
                    metadatas=[{"photo": photo_id} for _, photo_id, _ in group],
                )
            library.note_indexed((detection_id, embedding) for detection_id, _, _, embedding in batch)
            pushed += len(batch)
        if pushed:
            self._make_private()
        return pushed

    def _take_out(self, library: Library) -> None:
        while removals := library.index_removals(_BATCH):
            by_model: dict[tuple[str, str], list[str]] = {}
            for detection_id, model, version in removals:
                by_model.setdefault((model, version), []).append(str(detection_id))
            for collection in self.client.list_collections():
                for (model, version), names in by_model.items():
                    if collection.name in {_collection_name(kind, model, version) for kind in _KINDS}:
                        collection.delete(ids=names)
            library.forget_index_removals(removals)

    def query(self, kind: DetectionKind, embedding: Embedding, k: int) -> list[tuple[int, float]]:
        """Up to `k` nearest detections made by the same model: (detection id, similarity), best first.

        Similarity is the cosine for objects and 1 - Euclidean distance for faces.
        """
        collection = self._collection(kind, embedding.model, embedding.version)
        wanted = min(k, collection.count())
        if wanted <= 0:
            return []
        found = collection.query(query_embeddings=[embedding.vector], n_results=wanted, include=["distances"])
        # Chroma's "l2" is the squared distance.
        return [
            (int(name), 1.0 - (float(distance) ** 0.5 if kind == "face" else float(distance)))
            for name, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def counts(self) -> dict[str, int]:
        """Vectors by collection."""
        return {collection.name: int(collection.count()) for collection in self.client.list_collections()}

    def check(self, library: Library) -> IndexCheck:
        """Compare every vector with the library's."""
        missing = extra = different = 0
        collections = {collection.name: collection for collection in self.client.list_collections()}
        for kind, model, version in library.vector_models():
            collection = collections.pop(_collection_name(kind, model, version), None)
            ids = library.vector_ids(kind, model, version)
            held = 0
            for start in range(0, len(ids), _BATCH) if collection is not None else ():
                ours = library.vectors_of(ids[start : start + _BATCH], model, version)
                found = collection.get(
                    ids=[str(detection_id) for detection_id in ours], include=["embeddings"]
                )
                names = [int(name) for name in found["ids"]]
                held += len(names)
                if names:
                    stored = np.stack([ours[name] for name in names])
                    different += _different(stored, np.asarray(found["embeddings"]), kind)
            missing += len(ids) - held
            extra += 0 if collection is None else int(collection.count()) - held
        extra += sum(int(collection.count()) for collection in collections.values())
        return IndexCheck(library.vector_count(), missing, extra, different)

    def rebuild(self, library: Library) -> int:
        """Empty the index and fill it from the library; returns the number of vectors. Chroma leaves traces on disk."""
        for collection in self.client.list_collections():
            self.client.delete_collection(collection.name)
        library.set_indexed(None, indexed=False)
        return self._push(library)

    def _make_private(self) -> None:
        """Chroma creates its files with the umask's rights."""
        for folder, _, files in os.walk(self.path):
            Path(folder).chmod(0o700)
            for name in files:
                (Path(folder) / name).chmod(0o600)


def is_damage(error: Exception) -> bool:
    """Whether Chroma says that its file is no sound database (any more); it gives SQLite's codes in words."""
    codes = map(int, re.findall(r"\(code: (\d+)\)", str(error)))
    # The last byte is the kind of error; what is above it says more about it.
    return any(code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) for code in codes)


def _collection_name(kind: DetectionKind, model: str, version: str) -> str:
    return f"{kind}-{model}-{version}"


def _expected(library: Library) -> dict[str, int]:
    """How many vectors each collection should hold."""
    return {
        _collection_name(kind, model, version): number
        for (kind, model, version), number in library.vector_models().items()
    }


def _different(ours: Float32Array, theirs: Float32Array, kind: DetectionKind) -> int:
    """How many rows differ. Chroma keeps those that it compares by their angle with unit length."""
    if theirs.shape != ours.shape:
        return len(ours)
    if kind != "face":
        ours, theirs = (
            rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (ours, theirs)
        )
    return int((~np.isclose(ours, theirs, rtol=0, atol=1e-5).all(axis=1)).sum())
