"""Removes the face networks that earlier versions downloaded: YuNet and SFace.

Such a home is analyzed again with the bundled networks, because `analysis_version` differs. This module only knows the
choice and the unused files. Remove it when no home has them any more.
"""

from __future__ import annotations

import json
from pathlib import Path

CHOICE_NAME = "face_models.json"
_FILES = ("face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx")


def chosen_networks(models: Path) -> list[str]:
    """The networks that an earlier version was told to use, until `forget_choice`."""
    try:
        return list(map(str, json.loads((models / CHOICE_NAME).read_text("utf-8")).get("use") or []))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, AttributeError, TypeError):
        return ["another network"]


def remove_networks(models: Path) -> None:
    """Delete the downloaded networks; the choice stays until its owner has read the notice."""
    for name in _FILES:
        (models / name).unlink(missing_ok=True)


def forget_choice(models: Path) -> None:
    """Delete the record of the chosen networks; call it once the user has read the notice."""
    (models / CHOICE_NAME).unlink(missing_ok=True)
