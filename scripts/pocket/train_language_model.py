"""Trains the pocket model's transformer on cached image codes for a number of minutes; stops and resumes anywhere.

    python -m scripts.pocket.train_language_model --corpus DIR… --codes codes.npy --out DIR --minutes 50

Grades image codes and answers apart, since otherwise the codes, 98 % of all labels, would drown the answers. (Muon
learned more per step, but computes in bfloat16, which a CPU without it emulates: 17 seconds a step instead of two.)
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import ChameleonForConditionalGeneration

from assistant.evaluation.corpora import load_arrays
from scripts.pocket.checkpoint import chameleon_config
from scripts.pocket.code_embeddings import share_levels
from scripts.pocket.command import run
from scripts.pocket.config import PocketConfig
from scripts.pocket.sequences import Sequence, SequenceMaker
from scripts.pocket.vocabulary import train_vocabulary

SHORT_BATCH, LONG_BATCH = 32, 16
LONG_SHARE = 0.65
TEXT_WEIGHT = {"short": 0.5, "long": 3.0}
"""In context, one answer in a hundred tokens is what teaches to compare two pictures."""
MATCHING = "matching."
"""How the checkpoint names what only training needs."""
MATCHING_WEIGHT, MATCHING_TEMPERATURE, MATCHING_WIDTH = 1.0, 0.1, 64
PEAK_RATE = 2e-3
SAVE_EVERY_S = 120


def pad(batch: list[Sequence], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and answer marks `[b, longest]`, padded on the right."""
    longest = max(len(sequence.ids) for sequence in batch)
    ids = torch.full((len(batch), longest), pad_id)
    answer = torch.zeros((len(batch), longest), dtype=torch.bool)
    for row, sequence in enumerate(batch):
        ids[row, : len(sequence.ids)] = torch.tensor(sequence.ids)
        answer[row, : len(sequence.ids)] = torch.tensor(sequence.answer)
    return ids, answer


def losses(
    model: ChameleonForConditionalGeneration,
    ids: torch.Tensor,
    answer: torch.Tensor,
    first_code: int,
    codes: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean cross-entropy of image codes (over codes only) and of answers, and the share of answers predicted."""
    hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state
    target = ids[:, 1:]
    is_code = (target >= first_code) & (target < first_code + codes)
    image_logits = functional.linear(hidden[is_code], model.lm_head.weight[first_code : first_code + codes])
    image_loss = functional.cross_entropy(image_logits, target[is_code] - first_code)
    graded = answer[:, 1:]
    text_logits = model.lm_head(hidden[graded])
    text_loss = functional.cross_entropy(text_logits, target[graded])
    return image_loss, text_loss, (text_logits.argmax(-1) == target[graded]).float().mean()


class Matching(nn.Module):
    """Half-way up, brings what was read of an example and of a picture alone into one space.

    There comparing is an inner product: what attention can do. From yes and no alone a model of this size hardly starts
    to compare. Only training needs it.
    """

    def __init__(self, model: ChameleonForConditionalGeneration, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, MATCHING_WIDTH, bias=False)
        layer = model.model.layers[model.config.num_hidden_layers // 2 - 1]
        layer.register_forward_hook(self._keep)
        self._hidden = torch.zeros(0)

    def _keep(self, layer: nn.Module, arguments: object, output: torch.Tensor | tuple[torch.Tensor]) -> None:
        self._hidden = output if isinstance(output, torch.Tensor) else output[0]

    def loss(self, model: ChameleonForConditionalGeneration, batch: list[Sequence]) -> torch.Tensor:
        """Cross-entropy of finding, among the batch's other pictures, the one with an example's subject.

        Call it right after the batch itself was run.
        """
        places = [sequence.shown_until for sequence in batch]
        examples = self._hidden[range(len(batch)), places]
        model.model(input_ids=torch.tensor([sequence.same for sequence in batch]))
        alone = self._hidden[:, -1]
        first, second = (
            functional.normalize(self.projection(states), dim=-1) for states in (examples, alone)
        )
        similarity = first @ second.T / MATCHING_TEMPERATURE
        truth = torch.arange(len(batch))
        return (
            functional.cross_entropy(similarity, truth) + functional.cross_entropy(similarity.T, truth)
        ) / 2


def rate(progress: float) -> float:
    """Warm-up, plateau, then linear decay over the last 60 %, as a factor of the peak."""
    if progress < 0.01:
        return progress / 0.01
    return 1.0 if progress < 0.4 else max(0.02, (1.0 - progress) / 0.6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--codes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    config = PocketConfig()
    _, records = load_arrays(options.corpus)
    codes = np.load(options.codes)
    if len(codes) != len(records):
        raise SystemExit(
            f"{options.codes} has {len(codes)} pictures, the corpora {len(records)}; encode them again."
        )
    vocabulary = options.out / "tokenizer.json"
    if not vocabulary.exists():
        texts = [record.caption for record in records if record.caption]
        texts += [question for record in records for question, _ in record.questions[:2]]
        train_vocabulary(texts, config).save(str(vocabulary))
    tokenizer = Tokenizer.from_file(str(vocabulary))
    training = [index for index, record in enumerate(records) if not record.held_out]
    held_out = [index for index, record in enumerate(records) if record.held_out]
    maker = SequenceMaker(config, tokenizer, codes, records, training)
    tester = SequenceMaker(config, tokenizer, codes, records, held_out)
    torch.manual_seed(0)
    model = ChameleonForConditionalGeneration(chameleon_config(config, tokenizer))
    share_levels(model, config.levels, maker.first_code)
    trained = {n: p for n, p in model.named_parameters() if not n.startswith("model.vqmodel")}
    matching = Matching(model, config.hidden)
    trained |= {f"{MATCHING}{n}": p for n, p in matching.named_parameters()}
    optimiser = torch.optim.AdamW(trained.values(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.05)
    step, spent_s = 0, 0.0
    checkpoint = options.out / "language_model.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"], strict=False)
        matching.load_state_dict(
            {n.removeprefix(MATCHING): p for n, p in state["model"].items() if n.startswith(MATCHING)}
        )
        optimiser.load_state_dict(state["optimiser"])
        step, spent_s = state["step"], state["spent_s"]
        print(f"resumed at step {step}, {spent_s / 60:.1f} minutes", flush=True)
    pad_id = model.config.pad_token_id
    sums, since, saved, tokens = {"short": np.zeros(4), "long": np.zeros(4)}, {"short": 0, "long": 0}, 0.0, 0
    saved = time.monotonic()
    while spent_s < options.minutes * 60:
        began = time.monotonic()
        rng = np.random.default_rng((11, step))
        kind = "long" if rng.random() < LONG_SHARE else "short"
        make = maker.long if kind == "long" else maker.short
        batch = [make(rng) for _ in range(LONG_BATCH if kind == "long" else SHORT_BATCH)]
        ids, answer = pad(batch, pad_id)
        image_loss, text_loss, right = losses(model, ids, answer, maker.first_code, config.codes)
        factor = rate(spent_s / (options.minutes * 60))
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * factor
        optimiser.zero_grad(set_to_none=True)
        loss = image_loss + TEXT_WEIGHT[kind] * text_loss
        matching_loss = matching.loss(model, batch) if kind == "long" else torch.zeros(())
        loss = loss + MATCHING_WEIGHT * matching_loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(trained.values()), 1.0)
        optimiser.step()
        step += 1
        tokens += ids.numel()
        spent_s += time.monotonic() - began
        sums[kind] += [image_loss.item(), text_loss.item(), right.item(), matching_loss.item()]
        since[kind] += 1
        finished = spent_s >= options.minutes * 60
        if step % 100 == 0 or finished:
            report = " ".join(
                f"{name}: image {total[0]:.3f} text {total[1]:.3f} right {total[2]:.3f} match {total[3]:.3f}"
                for name in ("short", "long")
                if since[name] and (total := sums[name] / since[name]) is not None
            )
            print(
                f"step {step} minutes {spent_s / 60:.1f} {report} "
                f"tokens/s {tokens / (time.monotonic() - saved + 1e-9):.0f}",
                flush=True,
            )
            sums, since = {"short": np.zeros(4), "long": np.zeros(4)}, {"short": 0, "long": 0}
        if time.monotonic() - saved > SAVE_EVERY_S or finished:
            with torch.inference_mode():
                fixed = np.random.default_rng(5)
                for name, source in (("short", tester.short), ("long", tester.long)):
                    ids, answer = pad([source(fixed) for _ in range(64)], pad_id)
                    values = [
                        float(value) for value in losses(model, ids, answer, maker.first_code, config.codes)
                    ]
                    print(
                        f"held-out {name}: image {values[0]:.3f} text {values[1]:.3f} right {values[2]:.3f}",
                        flush=True,
                    )
            temporary = checkpoint.with_suffix(".tmp")
            torch.save(
                {
                    "model": {n: p.detach() for n, p in trained.items()},
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "spent_s": spent_s,
                },
                temporary,
            )
            temporary.replace(checkpoint)
            saved, tokens = time.monotonic(), 0


if __name__ == "__main__":
    run(main)
