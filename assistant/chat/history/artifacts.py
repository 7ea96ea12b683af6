"""Results of tools as small JSON values and back; which pictures they show; whether they may rest on faces."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.presentation.lines import as_data
from assistant.results import Description, FoundPhotos, Imagined, Profile, Status, Suggestion
from personalizer.library.chats import ChatPicture
from personalizer.photos.formats import drawing_notes
from personalizer.schemas import ConceptSummary, ScanReport

MOST_FOUND = 24
"""Photos of a search that are kept; the search can be asked again."""
_MOST_CHARACTERS = 32_000
_KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Description, FoundPhotos, Imagined, Profile)
}
"""Results that are kept as they are; of others the text is enough."""
_OF_FACES = re.compile(r"\b(?:faces?|people|person|alone|nobody)\b", re.IGNORECASE)


def kept_artifact(artifact: Any) -> dict[str, Any] | None:
    """What to keep of a tool's result: `{kind, value}`, for a drawing also `{prompt}`; None for no result."""
    if artifact is None:
        return None
    kept: dict[str, Any] = {"kind": type(artifact).__name__}
    if isinstance(artifact, FoundPhotos):
        artifact = dataclasses.replace(artifact, photos=artifact.photos[:MOST_FOUND])
    if isinstance(artifact, Imagined):
        # The words that were drawn, which the picture itself says.
        notes = drawing_notes(artifact.paths[0]) if artifact.paths else None
        kept["prompt"] = (notes or {}).get("prompt", "")
    if type(artifact) in _KINDS.values():
        value = as_data(artifact)
        if len(json.dumps(value)) <= _MOST_CHARACTERS:
            kept["value"] = value
    return kept


def artifact_of(kept: Mapping[str, Any] | None) -> Any:
    """The inverse, where the whole result was kept and is still of the same shape; else None."""
    kind = _KINDS.get(str((kept or {}).get("kind")))
    if kind is None or kept is None or "value" not in kept:
        return None
    try:
        return _built(kind, kept["value"])
    except (KeyError, TypeError, ValueError):
        return None  # kept by another version


def pictures_of(artifact: Any) -> tuple[ChatPicture, ...]:
    """The pictures that a result shows, as paths."""
    if isinstance(artifact, Description):
        return (ChatPicture(artifact.photo, artifact.photo.name),)
    if isinstance(artifact, FoundPhotos):
        return tuple(ChatPicture(one.path, one.path.name) for one in artifact.photos[:MOST_FOUND])
    if isinstance(artifact, Imagined):
        return tuple(ChatPicture(path, path.name, drawn=True) for path in artifact.paths)
    return ()


def is_of_faces(artifact: Any) -> bool:
    """Whether a result may rest on faces that were found: it goes when these are erased."""
    if isinstance(artifact, Description):
        facts = artifact.facts
        return bool(facts.faces or facts.people) or any(one.box is not None for one in artifact.concepts)
    if isinstance(artifact, FoundPhotos):
        return any(_OF_FACES.search(reason) for photo in artifact.photos for reason in photo.why)
    if isinstance(artifact, list | tuple):
        return any(map(is_of_faces, artifact))
    if isinstance(artifact, Suggestion):
        return artifact.box is not None
    if isinstance(artifact, ConceptSummary):
        return artifact.kind == "face"
    # How many there are, and groups that were found.
    return isinstance(artifact, ScanReport | Status)


def _built(kind: Any, value: Any) -> Any:
    """`value`, which `as_data` made, as a `kind`. Raises KeyError, TypeError or ValueError where it is none."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return (
            None if value is None else _built(next(one for one in arguments if one is not type(None)), value)
        )
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        given = {field.name: value[field.name] for field in dataclasses.fields(kind) if field.name in value}
        return kind(**{name: _built(hints[name], part) for name, part in given.items()})
    if origin is list:
        return [_built(arguments[0], part) for part in value]
    if kind is Path:
        return Path(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    return value
