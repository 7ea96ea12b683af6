"""Trains the image tokenizer on a corpus for a number of minutes; stops and resumes at any step.

python -m scripts.pocket.train_image_tokenizer --corpus DIR… --out DIR --minutes 40
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from assistant.evaluation.corpora import load_arrays
from scripts.pocket.command import run
from scripts.pocket.config import PocketConfig
from scripts.pocket.corpus import SIZE_PX
from scripts.pocket.image_tokenizer import ImageTokenizer

BATCH = 16
PEAK_RATE = 7e-4
SEMANTIC_WEIGHT = 0.05
COLOUR_WEIGHT, ANCHOR_WEIGHT = 2.0, 0.3
"""Plain pixel loss finds brightness and one colour axis (orange to blue) and lets red and green collapse for good."""
SAVE_EVERY_S = 120


def batch_of(
    arrays: list[np.ndarray], starts: np.ndarray, picks: np.ndarray, side: int, rng: np.random.Generator
) -> torch.Tensor:
    """Random crops and mirror images, `[b, 3, side, side]` in -1..1."""
    pictures = []
    for pick in picks:
        shard = int(np.searchsorted(starts, pick, side="right")) - 1
        picture = (
            torch.from_numpy(np.array(arrays[shard][pick - starts[shard]])).permute(2, 0, 1)[None].float()
        )
        # Mostly the whole picture, as at inference; sometimes closer.
        crop = SIZE_PX if rng.random() < 0.4 else int(rng.integers(side, SIZE_PX + 1))
        top, left = rng.integers(0, SIZE_PX - crop + 1, 2)
        picture = picture[:, :, top : top + crop, left : left + crop]
        picture = functional.interpolate(picture, side, mode="bilinear", antialias=True, align_corners=False)
        pictures.append(picture.flip(3) if rng.random() < 0.5 else picture)
    return torch.cat(pictures).to(memory_format=torch.channels_last) / 127.5 - 1.0


def colour_error(decoded: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Squared error of local colour: red against green and yellow against blue, over 4 x 4 pixels."""
    red, green, blue = functional.avg_pool2d(decoded - pixels, 4).unbind(dim=1)
    return ((red - green).pow(2) + (0.5 * (red + green) - blue).pow(2)).mean()


def anchor_error(latent: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """How far the last latent axis is from local red against green, so that some axis carries it from the start."""
    side = latent.shape[-1]
    red, green, _ = functional.adaptive_avg_pool2d(pixels, side).unbind(dim=1)
    return functional.mse_loss(latent[:, -1], (1.5 * (red - green)).clamp(-1, 1))


def rate(progress: float) -> float:
    """Short warm-up, then cosine to 3 %, as a factor of the peak."""
    if progress < 0.02:
        return progress / 0.02
    return 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 0.02) / 0.98)))


def psnr_db(model: ImageTokenizer, pixels: torch.Tensor) -> float:
    """Of pixels in -1..1, mean over pictures."""
    with torch.inference_mode():
        decoded = model.decode(model.encode(pixels)[0]).clamp(-1, 1)
        errors = (decoded - pixels).pow(2).mean(dim=(1, 2, 3)) / 4
    return float((-10 * torch.log10(errors)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of training in all, over all resumes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--decoder-only",
        action="store_true",
        help="keep every picture's codes, so that a language model stays valid",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = PocketConfig()
    arrays, records = load_arrays(options.corpus)
    features = [np.load(folder / "features.npy") for folder in options.corpus]
    starts = np.cumsum([0, *map(len, arrays)])[:-1]
    target = torch.from_numpy(np.concatenate(features))
    training = np.array([i for i, record in enumerate(records) if not record.held_out])
    held_out = np.array([i for i, record in enumerate(records) if record.held_out])
    torch.manual_seed(0)
    # This layout trains a fifth faster on a CPU.
    model = ImageTokenizer(config, target.shape[1]).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.01)
    if options.decoder_only:
        for part in (model.encoder, model.quant_conv, model.semantic_head):
            assert part is not None
            part.requires_grad_(False)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    step, spent_s = 0, 0.0
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint = options.out / "image_tokenizer.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        # Codes are those of the averaged encoder, which is what ships.
        model.load_state_dict(state["average" if options.decoder_only else "model"])
        optimiser.load_state_dict(state["optimiser"])
        average, step, spent_s = state["average"], state["step"], state["spent_s"]
        print(f"resumed at step {step}, {spent_s / 60:.1f} minutes", flush=True)
    fixed = np.random.default_rng(1)
    views = batch_of(arrays, starts, fixed.choice(held_out, 256, replace=False), config.image_size_px, fixed)
    sums, since, saved = np.zeros(4), 0, time.monotonic()
    while spent_s < options.minutes * 60:
        began = time.monotonic()
        rng = np.random.default_rng((7, step))
        picks = rng.choice(training, BATCH)
        pixels = batch_of(arrays, starts, picks, config.image_size_px, rng)
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * rate(spent_s / (options.minutes * 60))
        with torch.set_grad_enabled(not options.decoder_only):
            quantised, overflow = model.encode(pixels)
        decoded = model.decode(quantised)
        squared = functional.mse_loss(decoded, pixels)
        absolute = functional.l1_loss(decoded, pixels)
        assert model.semantic_head is not None
        semantic = functional.mse_loss(model.semantic_head(quantised), target[picks])
        colour = colour_error(decoded, pixels)
        loss = squared + 0.3 * absolute + COLOUR_WEIGHT * colour + SEMANTIC_WEIGHT * semantic + 0.1 * overflow
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        decay = min(0.995, (step + 1) / (step + 10))
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 1 - decay)
        step += 1
        spent_s += time.monotonic() - began
        sums += [squared.item(), semantic.item(), overflow.item(), colour.item()]
        since += 1
        finished = spent_s >= options.minutes * 60
        if step % 100 == 0 or finished:
            means = sums / since
            print(
                f"step {step} minutes {spent_s / 60:.1f} psnr(train) {-10 * math.log10(means[0] / 4):.2f} "
                f"semantic {means[1]:.3f} overflow {means[2]:.4f} colour {means[3]:.4f} "
                f"images/s {step * BATCH / spent_s:.1f}",
                flush=True,
            )
            sums, since = np.zeros(4), 0
        if time.monotonic() - saved > SAVE_EVERY_S or finished:
            live = {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(average)
            with torch.inference_mode():
                used = len(torch.unique(model.ids(model.encode(views)[0])))
            print(f"held-out psnr {psnr_db(model, views):.2f} codes used {used}/{config.codes}", flush=True)
            model.load_state_dict(live)
            temporary = checkpoint.with_suffix(".tmp")
            torch.save(
                {
                    "model": live,
                    "average": average,
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "spent_s": spent_s,
                },
                temporary,
            )
            temporary.replace(checkpoint)
            saved = time.monotonic()


if __name__ == "__main__":
    run(main)
