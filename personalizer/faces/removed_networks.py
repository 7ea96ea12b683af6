"""What is left in a home of the face networks that earlier versions could download: YuNet and SFace.

Such a home is analysed anew with what ships, because `analysis_version` differs. Here is only what was chosen, and the
files that nothing reads any more. To go once no home has them.
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
    """The notice was read."""
    (models / CHOICE_NAME).unlink(missing_ok=True)
