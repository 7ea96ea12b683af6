"""What is left in a home of the face networks that earlier versions could download: YuNet and SFace.

Such a home is analysed anew with what ships, because `analysis_version` differs. Here is only the notice about it, and
the files that nothing reads any more. To go once no home has them.
"""

from __future__ import annotations

import json
from pathlib import Path

from personalizer.errors import counted

CHOICE_NAME = "face_models.json"
_FILES = ("face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx")


def has_choice(models: Path) -> bool:
    """Whether there may be something to give notice of."""
    return (models / CHOICE_NAME).exists()


def removed_networks_notice(models: Path, waiting: int) -> str | None:
    """One sentence for whoever had chosen such a network, until `forget_choice`; `waiting` photos are not done yet."""
    try:
        chosen = json.loads((models / CHOICE_NAME).read_text("utf-8")).get("use")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError):
        chosen = ["another network"]
    if not chosen:
        return None
    waiting_text = f"{counted(waiting, 'photo')} still to be analysed anew"
    progress = waiting_text if waiting else "all photos were analysed anew"
    return (
        f"Faces are found and told apart by what ships; {' and '.join(map(str, chosen))}, which you had chosen, can no "
        f"longer be used ({progress}). Names and corrections are kept."
    )


def remove_networks(models: Path) -> None:
    """Delete the downloaded networks; the choice stays until its owner has read the notice."""
    for name in _FILES:
        (models / name).unlink(missing_ok=True)


def forget_choice(models: Path) -> None:
    """The notice was read."""
    (models / CHOICE_NAME).unlink(missing_ok=True)
