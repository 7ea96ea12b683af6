"""Finds a backbone by name or folder and imports its family only then. Knows no model's insides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from personalizer.errors import NotFoundError, NotReadyError
from personalizer.home import PACKAGE_DATA

if TYPE_CHECKING:
    from personalizer.backbones.base import Backbone

POCKET = "pocket"


def backbone_directory(name: str) -> Path:
    """The folder of a backbone: `pocket` is the bundled one, anything else is a path to a checkpoint."""
    directory = PACKAGE_DATA / "pocket" if name == POCKET else Path(name).expanduser()
    if not directory.is_dir():
        raise NotFoundError(
            tried=f"finding the backbone {name!r}",
            found="it is neither `pocket` nor a folder",
            fix="Give --backbone pocket or the path of a checkpoint folder.",
        )
    return directory


def backbone_family(directory: Path) -> str:
    """`model_type` of the checkpoint's config.json."""
    try:
        return str(json.loads((directory / "config.json").read_text())["model_type"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise NotReadyError(
            tried=f"reading {directory / 'config.json'}",
            found=f"there is no {error}" if isinstance(error, KeyError) else str(error),
            fix="Give the folder of a checkpoint in transformers' format.",
        ) from error


def load_backbone(name: str, device: str = "auto") -> Backbone:
    """Load a frozen backbone; `device` is auto, cpu or cuda."""
    directory = backbone_directory(name)
    family = backbone_family(directory)
    if family != "chameleon":
        raise NotReadyError(
            tried=f"loading the backbone {name!r}",
            found=f"its family {family!r} is not supported; supported: chameleon",
            fix="Use a checkpoint in Chameleon's format (Anole-7B converted for transformers, or the pocket model).",
        )
    import torch

    from personalizer.backbones.chameleon import load_chameleon

    if device == "cuda" and not torch.cuda.is_available():
        raise NotReadyError(
            tried="using the GPU",
            found="torch sees no CUDA device",
            fix="Use --device cpu, or install a CUDA build.",
        )
    use_cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return load_chameleon(directory, torch.device("cuda" if use_cuda else "cpu"), name=Path(name).name)
