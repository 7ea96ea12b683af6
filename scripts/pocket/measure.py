"""Measures a pocket checkpoint on held-out pictures and writes the numbers for its model card.

    python -m scripts.pocket.measure --corpus DIR… --codes codes.npy --checkpoint DIR --sheet samples.png

Held out means: never seen by the image tokenizer or the language model; renders are held out by subject.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer

from personalizer.backbones.chameleon import ChameleonBackbone, load_chameleon
from personalizer.prompts import DESCRIBE_QUESTION, NO, YES
from scripts.pocket.config import PocketConfig
from scripts.pocket.corpus import Record, load
from scripts.pocket.sequences import Sequence, SequenceMaker
from scripts.pocket.train_language_model import losses, pad

EXAMPLES = 400
PROMPTS = (
    "a photo of an apple.",
    "a photo of airplanes.",
    "a photo of a t-shirt.",
    "a photo of a sunflower.",
    "a red robot on a wooden table",
    "a brown dog on the grass",
    "a white cat with black patches on a sofa",
    "a yellow rubber duck on a beach",
    "a 3d emoji of a pizza.",
    "a blue mug with white stripes in the snow",
)


def reconstruction(backbone: ChameleonBackbone, images: list[Image.Image]) -> float:
    """Mean PSNR in dB of decode(encode(image)) at the backbone's size."""
    decoded = backbone.decode_images(backbone.encode_images(images))
    values = []
    for before, after in zip(images, decoded, strict=True):
        small = backbone.scaling.image(backbone.scaling.pixels(before))
        error = np.mean((np.asarray(small, np.float32) - np.asarray(after, np.float32)) ** 2)
        values.append(10 * math.log10(255**2 / max(float(error), 1e-6)))
    return float(np.mean(values))


@torch.inference_mode()
def answers(backbone: ChameleonBackbone, sequences: list[Sequence]) -> float:
    """Share of yes/no questions answered right: the likelier of the two words at the answer's place."""
    yes, no = backbone.tokenize(YES)[0], backbone.tokenize(NO)[0]
    right = []
    for start in range(0, len(sequences), 32):
        batch = sequences[start : start + 32]
        ids, answer = pad(batch, backbone.model.config.pad_token_id)
        hidden = backbone.model.model(input_ids=ids).last_hidden_state
        for row in range(len(batch)):
            place = int(torch.nonzero(answer[row])[0]) - 1
            logits = backbone.text_logits(hidden[row, place])
            right.append(bool(logits[yes] > logits[no]) == (int(ids[row, place + 1]) == yes))
    return float(np.mean(right))


@torch.inference_mode()
def caption_accuracy(
    backbone: ChameleonBackbone, codes: np.ndarray, records: list[Record], picks: list[int]
) -> float:
    """Share of held-out photos whose own class caption is the likeliest among all classes' captions."""
    labels = sorted({r.label for r in records if r.kind == "photo" and r.label})
    captions = {r.label: r.caption for r in records if r.kind == "photo" and r.label}
    spec = backbone.spec
    choices = [[*backbone.tokenize(captions[label] or ""), spec.end_id] for label in labels]
    longest = max(map(len, choices))
    right = []
    for pick in picks:
        cache = backbone.new_cache()
        start = torch.tensor([list(spec.begin_ids) + list(spec.begin_image_ids)])
        rest = torch.tensor(
            [[*spec.end_image_ids, *backbone.tokenize(DESCRIBE_QUESTION), *spec.separator_ids]]
        )
        picture = backbone.embed_image_codes(torch.from_numpy(codes[pick, 0].astype(np.int64))[None])
        prompt = torch.cat([backbone.embed_text(start), picture, backbone.embed_text(rest)], dim=1)
        hidden, cache = backbone.forward(prompt, None, cache)
        cache.batch_repeat_interleave(len(choices))
        ids = torch.tensor([choice + [spec.end_id] * (longest - len(choice)) for choice in choices])
        later, _ = backbone.forward(backbone.embed_text(ids[:, :-1]), None, cache)
        states = torch.cat([hidden[:, -1:].expand(len(choices), -1, -1), later], dim=1)
        scores = torch.log_softmax(backbone.text_logits(states).float(), -1).gather(-1, ids[..., None])[
            ..., 0
        ]
        mask = torch.arange(longest)[None] < torch.tensor([len(choice) for choice in choices])[:, None]
        best = int((scores * mask).sum(-1).argmax())
        right.append(labels[best] == records[pick].label)
    return float(np.mean(right))


@torch.inference_mode()
def draw(backbone: ChameleonBackbone, prompt: str, count: int, guidance: float = 3.0) -> list[Image.Image]:
    """Samples with classifier-free guidance."""
    spec = backbone.spec
    generator = torch.Generator().manual_seed(0)
    rows = [
        torch.tensor([[*spec.begin_ids, *words, *spec.separator_ids, *spec.begin_image_ids]])
        for words in (backbone.tokenize(prompt), [])
    ]
    caches, states = [], []
    for ids in rows:
        hidden, cache = backbone.forward(
            backbone.embed_text(ids.expand(count, -1)), None, backbone.new_cache()
        )
        caches.append(cache)
        states.append(hidden[:, -1])
    codes = []
    for _ in range(spec.tokens_per_image):
        conditional, free = (torch.log_softmax(backbone.image_logits(state), -1) for state in states)
        logits = free + guidance * (conditional - free)
        kept = torch.topk(logits, 256).values[:, -1:]
        logits = logits.masked_fill(logits < kept, float("-inf"))
        code = torch.multinomial(torch.softmax(logits, -1), 1, generator=generator)
        codes.append(code)
        embedded = backbone.embed_image_codes(code)
        for index in (0, 1):
            hidden, caches[index] = backbone.forward(embedded, None, caches[index])
            states[index] = hidden[:, -1]
    return backbone.decode_images(torch.cat(codes, dim=1))


def sheet(rows: list[list[Image.Image]], path: Path, size_px: int = 96) -> None:
    """Rows of pictures as one PNG."""
    canvas = Image.new("RGB", (max(map(len, rows)) * size_px, len(rows) * size_px), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            canvas.paste(
                picture.resize((size_px, size_px), Image.Resampling.LANCZOS), (x * size_px, y * size_px)
            )
    canvas.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--codes", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    backbone = load_chameleon(options.checkpoint, torch.device("cpu"))
    arrays, records = load(options.corpus)
    codes = np.load(options.codes)
    starts = np.cumsum([0, *map(len, arrays)])
    held = [index for index, record in enumerate(records) if record.held_out]
    rng = np.random.default_rng(3)

    def picture(pick: int) -> Image.Image:
        shard = int(np.searchsorted(starts, pick, side="right")) - 1
        return Image.fromarray(np.array(arrays[shard][pick - starts[shard]]))

    def some(kind: str, count: int) -> list[int]:
        chosen = [pick for pick in held if records[pick].kind == kind]
        return [int(pick) for pick in rng.permutation(chosen)[:count]]

    tokenizer = Tokenizer.from_file(str(backbone.tokenizer_path))
    maker = SequenceMaker(PocketConfig(), tokenizer, codes, records, held)
    short = [maker.short(rng) for _ in range(EXAMPLES * 5)]
    yes_no = {backbone.tokenize(YES)[0], backbone.tokenize(NO)[0]}

    def is_question(sequence: Sequence) -> bool:
        graded = [token for token, answer in zip(sequence.ids, sequence.answer, strict=True) if answer]
        return bool(graded) and graded[0] in yes_no

    pairs = [maker.long(rng) for _ in range(EXAMPLES * 3)]
    with torch.inference_mode():
        ids, answer = pad(short[:200], backbone.model.config.pad_token_id)
        image_loss = float(losses(backbone.model, ids, answer, maker.first_code, PocketConfig().codes)[0])
    photos, renders = some("photo", 300), some("render", 200)
    result = {
        "psnr_db": {
            "photos": reconstruction(backbone, [picture(pick) for pick in photos]),
            "renders": reconstruction(backbone, [picture(pick) for pick in renders]),
        },
        "codes_used": len(np.unique(codes[held])) / PocketConfig().codes,
        "caption_top1_photos": caption_accuracy(
            backbone, codes, records, [pick for pick in photos if records[pick].label][:250]
        ),
        "questions": answers(backbone, [s for s in short if is_question(s)][:EXAMPLES]),
        "same_subject": answers(backbone, [s for s in pairs if is_question(s)][:EXAMPLES]),
        "bits_per_image_token": image_loss / math.log(2),
        "parameters": sum(p.numel() for p in backbone.model.parameters())
        + sum(p.numel() for p in backbone.pixel_decoder.parameters()),
    }
    print(json.dumps(result, indent=1))
    if options.sheet:
        shown = [picture(pick) for pick in [*photos[:5], *renders[:5]]]
        rows = [shown, backbone.decode_images(backbone.encode_images(shown))]
        rows += [draw(backbone, prompt, 10) for prompt in PROMPTS]
        sheet(rows, options.sheet)


if __name__ == "__main__":
    main()
