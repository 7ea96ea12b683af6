"""Sizes and budgets of a pocket backbone: one TOML file for each in `sizes/`."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from personalizer.errors import UsageError

SIZES = Path(__file__).parent / "sizes"
DEFAULT_SIZE = "cpu"


@dataclass(frozen=True)
class PocketConfig:
    """Everything that a size's checkpoints must agree in, and how long it is trained."""

    image_size_px: int = 64
    levels: tuple[int, ...] = (8, 6, 5, 4, 4)
    """Finite-scalar code levels; their product is the codebook size. The last axis is anchored to red against green."""
    latent_channels: int = 64
    encoder_base: int = 32
    encoder_multipliers: tuple[int, ...] = (1, 1, 2, 4)
    encoder_blocks: int = 1
    decoder_base: int = 32
    decoder_multipliers: tuple[int, ...] = (1, 1, 2, 2)
    decoder_blocks: int = 1
    semantic_features: int = 256
    """Principal components of the recognition network's features that codes are taught to tell."""
    text_vocabulary: int = 1600
    reserved: int = 64
    hidden: int = 256
    intermediate: int = 704
    layers: int = 6
    heads: int = 4
    max_positions: int = 512

    image_steps: int = 3800
    """Steps of the image tokenizer's training, in all."""
    image_batch: int = 16
    image_rate: float = 5e-4
    decoder_steps: int = 600
    """Steps of the decoder's further training, in all."""
    decoder_rate: float = 4e-4
    language_steps: int = 6000
    """Steps of the language model's training, in all."""
    language_rate: float = 2e-3
    drawn: int = 24
    """Sequences of a step in which a picture is drawn from words."""
    read: int = 6
    """Pictures of a step about which several things are asked."""
    compared: int = 6
    """Examples of a step with which several pictures are compared."""

    @property
    def codes(self) -> int:
        return math.prod(self.levels)

    @property
    def tokens_per_image(self) -> int:
        return (self.image_size_px // 2 ** (len(self.encoder_multipliers) - 1)) ** 2

    def image_architecture(self) -> dict[str, object]:
        """What an image tokenizer's checkpoint must agree in."""
        return {name: value for name, value in asdict(self).items() if name in _IMAGE}

    def language_architecture(self) -> dict[str, object]:
        """What a language model's checkpoint must agree in."""
        return {name: value for name, value in asdict(self).items() if name in _LANGUAGE}


_IMAGE = {"image_size_px", "levels", "latent_channels", "semantic_features"} | {
    f"{part}_{what}" for part in ("encoder", "decoder") for what in ("base", "multipliers", "blocks")
}
_LANGUAGE = {"image_size_px", "levels", "text_vocabulary", "reserved", "max_positions"} | {
    "hidden",
    "intermediate",
    "layers",
    "heads",
}


def read_size(name: str) -> PocketConfig:
    """A size by name (`cpu`, `gpu`) or from a TOML file; raises `UsageError` naming the file and the entry."""
    path = Path(name) if name.endswith(".toml") else SIZES / f"{name}.toml"
    known = ", ".join(sorted(file.stem for file in SIZES.glob("*.toml")))
    fix = f"Known sizes: {known}; or give the path of a .toml file with entries of PocketConfig."
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(tried=f"reading the size {path}", found=str(error), fix=fix) from error
    types = {field.name: type(field.default) for field in fields(PocketConfig)}
    for entry, value in entries.items():
        wanted = types.get(entry)
        if wanted is None:
            raise UsageError(tried=f"reading the size {path}", found=f"there is no entry {entry!r}", fix=fix)
        if not isinstance(value, list if wanted is tuple else wanted):
            raise UsageError(
                tried=f"reading the size {path}",
                found=f"{entry} is {value!r}, not of type {wanted.__name__}",
                fix=fix,
            )
    return PocketConfig(**{name: tuple(v) if isinstance(v, list) else v for name, v in entries.items()})
