"""Encodes every picture of a corpus as it is and once more, changed, with the trained image tokenizer.

python -m scripts.pocket.encode_corpus --corpus DIR… --tokenizer image_tokenizer.pt --out codes.npy
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from assistant.evaluation.corpora import load_arrays
from scripts.pocket.command import run
from scripts.pocket.config import PocketConfig
from scripts.pocket.image_tokenizer import ImageTokenizer

VIEWS = 2


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = PocketConfig()
    state = torch.load(options.tokenizer, weights_only=True)["average"]
    feature_dim = state["semantic_head.5.weight"].shape[0]
    model = ImageTokenizer(config, feature_dim).eval()
    model.load_state_dict(state)
    arrays, records = load_arrays(options.corpus)
    codes = np.zeros((len(records), VIEWS, config.tokens_per_image), dtype=np.int16)
    generator = torch.Generator().manual_seed(0)
    row = 0
    with torch.inference_mode():
        for array in arrays:
            for start in range(0, len(array), 32):
                pictures = torch.from_numpy(np.array(array[start : start + 32])).permute(0, 3, 1, 2).float()
                for view in range(VIEWS):
                    pixels = view_of(pictures, view, config.image_size_px, generator)
                    ids = model.ids(model.encode(pixels)[0])
                    codes[row : row + len(pictures), view] = ids.numpy()
                row += len(pictures)
            print(f"{row}/{len(records)}", flush=True)
    np.save(options.out, codes)


if __name__ == "__main__":
    run(main)
