"""Encodes a corpus with the trained image tokenizer: all that the language model needs, in one file that travels.

python -m scripts.pocket.data.encode_corpus --corpus DIR… --tokenizer image_tokenizer.pt --out tokens.npz
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from assistant.evaluation.data.corpora import FEATURES_FILE, Record, load_arrays
from personalizer.errors import CorruptArtifactError
from scripts.pocket.command import run
from scripts.pocket.config import DEFAULT_SIZE, PocketConfig, read_size
from scripts.pocket.model.checkpoint import read_image_tokenizer
from scripts.pocket.model.image_tokenizer import ImageTokenizer
from scripts.pocket.training import read_state

FEATURE_STEP = 1 / 24
"""Features are stored in a byte: ±5.3 of what has about unit variance."""


def view_of(pictures: torch.Tensor, view: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """View 0 is the picture as it is, others are cropped, mirrored and relit; `[n, 3, side, side]`, -1..1."""
    size = pictures.shape[-1]
    if view > 0:
        crop = int(torch.randint(int(size * 0.75), size + 1, (), generator=generator))
        top, left = torch.randint(0, size - crop + 1, (2,), generator=generator).tolist()
        pictures = pictures[:, :, top : top + crop, left : left + crop]
        if torch.rand((), generator=generator) < 0.5:
            pictures = pictures.flip(3)
        gain = 0.75 + 0.5 * torch.rand((), generator=generator)
        tint = 0.95 + 0.1 * torch.rand((1, 3, 1, 1), generator=generator)
        pictures = (pictures * gain * tint).clamp(0, 255)
    pictures = functional.interpolate(pictures, side, mode="bilinear", antialias=True)
    return pictures / 127.5 - 1.0


@dataclass(frozen=True)
class Tokens:
    """An encoded corpus."""

    codes: np.ndarray
    """`[n, views, tokens]`, negative where a view is missing."""
    features: np.ndarray
    """`[n, dims]` of the recognition network."""
    records: list[Record]
    image_tokenizer: str
    """`ImageTokenizer.identity` of what made the codes."""


def write_tokens(path: Path, tokens: Tokens) -> None:
    """Features lose precision: they are rounded to `FEATURE_STEP`."""
    lines = "\n".join(json.dumps(asdict(record)) for record in tokens.records).encode()
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(
        temporary,
        codes=tokens.codes,
        features=np.clip(np.round(tokens.features / FEATURE_STEP), -127, 127).astype(np.int8),
        records=np.frombuffer(lines, dtype=np.uint8),
        image_tokenizer=np.array(tokens.image_tokenizer),
    )
    temporary.replace(path)


def read_tokens(path: Path, config: PocketConfig) -> Tokens:
    """What `write_tokens` wrote; raises `CorruptArtifactError` naming the file if it does not fit `config`."""
    tried, fix = f"reading {path}", "Encode the corpus again with scripts.pocket.data.encode_corpus."
    try:
        with np.load(path) as stored:
            codes = stored["codes"]
            features = stored["features"].astype(np.float32) * FEATURE_STEP
            lines = stored["records"].tobytes().decode()
            image_tokenizer = str(stored["image_tokenizer"])
        records = [Record(**json.loads(line)) for line in lines.splitlines()]
    except Exception as error:  # zipfile, zlib, numpy and json raise each their own
        raise CorruptArtifactError(
            tried=tried, found=f"it is damaged or missing ({type(error).__name__}: {error})", fix=fix
        ) from error
    counts = {len(records), len(codes), len(features)}
    if len(counts) > 1 or codes.shape[2] != config.tokens_per_image or codes.max() >= config.codes:
        raise CorruptArtifactError(
            tried=tried,
            found=f"{len(records)} records, features of {len(features)}, codes {codes.shape} up to {codes.max()}; "
            f"this size has {config.tokens_per_image} codes a picture, below {config.codes}",
            fix=fix,
        )
    return Tokens(codes, features, records, image_tokenizer)


def read_features(folder: Path, pictures: int, count: int) -> np.ndarray:
    """The first `count` features of a corpus; raises `CorruptArtifactError` naming the file if it lacks some."""
    if not count:
        return np.zeros((pictures, 0), dtype=np.float32)
    path = folder / FEATURES_FILE
    try:
        features = np.load(path)
        if features.shape[0] != pictures or features.shape[1] < count:
            raise ValueError(f"it is {features.shape}; {pictures} pictures need {count} features each")
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise CorruptArtifactError(
            tried=f"reading {path}", found=str(error), fix="Make it again with scripts.pocket.data.teacher."
        ) from error
    return np.asarray(features[:, :count])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    made_by = parser.add_mutually_exclusive_group(required=True)
    made_by.add_argument("--tokenizer", type=Path, help="a training state of the image tokenizer")
    made_by.add_argument("--checkpoint", type=Path, help="a written checkpoint, to tune its language model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", default=DEFAULT_SIZE)
    parser.add_argument("--views", type=int, default=3)
    parser.add_argument("--render-views", type=int, default=1, help="other views of a subject are there")
    parser.add_argument(
        "--features", type=int, default=128, help="components of the recogniser's features; 0: none"
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = read_size(options.size)
    if options.checkpoint is not None:
        model = read_image_tokenizer(options.checkpoint, config)
    else:
        model = ImageTokenizer(config)
        model.load_state_dict(read_state(options.tokenizer, config.image_architecture())["average"])
    model = model.eval().to(memory_format=torch.channels_last)
    arrays, records = load_arrays(options.corpus)
    features = [
        read_features(folder, len(array), options.features)
        for folder, array in zip(options.corpus, arrays, strict=True)
    ]
    codes = np.full((len(records), options.views, config.tokens_per_image), -1, dtype=np.int16)
    generator = torch.Generator().manual_seed(0)
    row = 0
    with torch.inference_mode():
        for array in arrays:
            for start in range(0, len(array), 32):
                pictures = torch.from_numpy(np.array(array[start : start + 32])).permute(0, 3, 1, 2).float()
                kinds = {record.kind for record in records[row : row + len(pictures)]}
                for view in range(options.render_views if kinds == {"render"} else options.views):
                    pixels = view_of(pictures, view, config.image_size_px, generator)
                    codes[row : row + len(pictures), view] = model.ids(model.encode(pixels)).numpy()
                row += len(pictures)
                if start % 3200 == 0:
                    print(f"{row}/{len(records)}", flush=True)
    write_tokens(options.out, Tokens(codes, np.concatenate(features), records, model.identity()))
    print(f"{options.out}: {options.out.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    run(main)
