"""What earlier versions left in a home: the object network, converted on first use. To go once no home has it."""

from __future__ import annotations

from pathlib import Path

_FILES = ("efficientnet_lite0.onnx", "efficientnet_lite0.json", ".conversion.lock")


def remove_conversion(models: Path) -> None:
    """Delete the converted network: the one that ships is used."""
    for name in _FILES:
        (models / name).unlink(missing_ok=True)
