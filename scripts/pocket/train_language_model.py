"""Trains the pocket model's transformer on an encoded corpus; stops and resumes at any step, on any device.

    python -m scripts.pocket.train_language_model --tokens tokens.npz --out DIR

Grades image codes and answers apart, since otherwise the codes, most of all labels, would drown the answers.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import ChameleonForConditionalGeneration

from assistant.evaluation.data.corpora import Record
from scripts.pocket.command import run
from scripts.pocket.config import PocketConfig, read_size
from scripts.pocket.data.encode_corpus import read_tokens
from scripts.pocket.data.sequences import Sequence, SequenceMaker
from scripts.pocket.data.vocabulary import identity, read_vocabulary, train_vocabulary
from scripts.pocket.model.checkpoint import chameleon_config, load_part, read_weights
from scripts.pocket.model.code_embeddings import share_levels
from scripts.pocket.model.muon import Muon
from scripts.pocket.training import Checkpoint, Means, add_options, train

TEXT_WEIGHT = {"read": 3.0, "compared": 4.0, "told": 0.3}
"""In context, one answer in a hundred tokens is what teaches to compare two pictures."""
IMAGE_WEIGHT = {"drawn": 1.0, "compared": 0.3}
TOLD = 4
"""Captions without a picture in each step; they are short."""
RECOGNIZING = "recognising."
"""How the checkpoint names what only training needs."""
RECOGNIZING_WEIGHT = 0.5
KINDS = ("drawn", "read", "compared", "told")
TESTED = 48
"""Held-out sequences of each kind that every checkpoint is graded on."""
VOCABULARY_FILE = "tokenizer.json"


ROW_LENGTH = 256
"""Several sequences share a row of this length; a longer one has a row of its own."""


class Batch:
    """Sequences as tensors, side by side in rows; branches see their own trunk and themselves, asides what is
    before them and themselves."""

    def __init__(self, sequences: list[Sequence], pad_id: int, device: str) -> None:
        rows = _fill_rows(sequences)
        shape = (len(rows), max(sum(len(sequence.ids) for sequence in row) for row in rows))
        ids, weights = torch.full(shape, pad_id), torch.zeros(shape)
        owners, branches, asides, positions = (torch.zeros(shape, dtype=torch.long) for _ in range(4))
        seen = []
        for number, row in enumerate(rows):
            start = 0
            for owner, sequence in enumerate(row, 1):
                stop = start + len(sequence.ids)
                ids[number, start:stop] = torch.tensor(sequence.ids)
                weights[number, start:stop] = torch.tensor(sequence.weights)
                owners[number, start:stop] = owner
                branches[number, start:stop] = torch.tensor(sequence.branches)
                asides[number, start:stop] = torch.tensor(sequence.asides)
                positions[number, start:stop] = torch.tensor(sequence.positions)
                seen += [(number, start + place, pick) for place, pick in sequence.seen]
                start = stop
        self.ids, self.positions = ids.to(device), positions.to(device)
        own = owners[:, None, :] == owners[:, :, None]
        visible = (branches[:, None, :] == branches[:, :, None]) | (branches[:, None, :] == 0)
        looking, seen_aside = asides[:, :, None], asides[:, None, :]
        visible &= (looking == 0) | (seen_aside == 0) | (looking == seen_aside)
        self.mask = (torch.ones(shape[1], shape[1], dtype=torch.bool).tril() & own & visible)[:, None].to(
            device
        )
        follows = (owners[:, 1:] == owners[:, :-1]) & (branches[:, 1:] == branches[:, :-1])
        graded = (weights[:, 1:] > 0) & follows
        self.graded = graded.to(device)
        self.weights = weights[:, 1:][graded].to(device)
        self.seen = torch.tensor(seen, dtype=torch.long).reshape(-1, 3)


def _fill_rows(sequences: list[Sequence]) -> list[list[Sequence]]:
    """Longest first, each into the first row that has room."""
    rows: list[list[Sequence]] = []
    rooms: list[int] = []
    for sequence in sorted(sequences, key=lambda sequence: -len(sequence.ids)):
        length = len(sequence.ids)
        place = next((number for number, room in enumerate(rooms) if room >= length), len(rows))
        if place == len(rows):
            rows.append([])
            rooms.append(max(ROW_LENGTH, len(rows[0][0].ids) if rows[0] else length))
        rows[place].append(sequence)
        rooms[place] -= length
    return rows


class Recognizing(nn.Module):
    """Half-way up, what has been read of a picture is to tell what a recognition network sees in it.

    It gives every picture a hundred labels instead of one word, and brings an example and a picture into one space in
    which comparing is an inner product: what attention can do. Only training needs it.
    """

    def __init__(self, model: ChameleonForConditionalGeneration, width: int, features: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, features))
        layers = model.model.layers
        layers[len(layers) // 2 - 1].register_forward_hook(self._keep)

    def _keep(self, layer: nn.Module, arguments: object, output: torch.Tensor | tuple[torch.Tensor]) -> None:
        self._hidden = output if isinstance(output, torch.Tensor) else output[0]

    def error(self, batch: Batch, features: torch.Tensor) -> torch.Tensor:
        """Mean squared error over the pictures just read; call it right after the batch itself was run."""
        told = self.head(self._hidden[batch.seen[:, 0], batch.seen[:, 1]])
        return functional.mse_loss(told, features[batch.seen[:, 2]].to(told.device))


class Losses:
    """Runs a batch of one kind and grades it."""

    def __init__(
        self,
        model: ChameleonForConditionalGeneration,
        recognizing: Recognizing | None,
        features: torch.Tensor,
        codes: range,
        answers: tuple[int, int],
    ) -> None:
        self._model = model
        self._recognizing = recognizing
        self._features = features
        self._codes = codes
        self._answers = answers

    def __call__(self, kind: str, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """The weighted loss and, for the report, cross-entropies in nats and the share of right yes and no."""
        model, parts = self._model, dict[str, float]()
        hidden = model.model(
            input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
        ).last_hidden_state
        targets = batch.ids[:, 1:][batch.graded]
        states = hidden[:, :-1][batch.graded]
        is_code = (targets >= self._codes.start) & (targets < self._codes.stop)
        loss = torch.zeros((), device=hidden.device)
        if is_code.any():
            rows = model.lm_head.weight[self._codes.start : self._codes.stop]
            image = _cross_entropy(
                functional.linear(states[is_code], rows),
                targets[is_code] - self._codes.start,
                batch.weights[is_code],
            )
            loss = loss + IMAGE_WEIGHT[kind] * image
            parts[f"{kind}:image"] = image.item()
        if not is_code.all():
            logits, words = model.lm_head(states[~is_code]), targets[~is_code]
            text = _cross_entropy(logits, words, batch.weights[~is_code])
            loss = loss + TEXT_WEIGHT[kind] * text
            parts[f"{kind}:text"] = text.item()
            yes, no = self._answers
            judged = (words == yes) | (words == no)
            if judged.any():
                # Balanced: "no" is asked for more often.
                said = logits[judged][:, yes] > logits[judged][:, no]
                truth = words[judged] == yes
                rates = [(said[truth == t] == t).float().mean() for t in (True, False) if (truth == t).any()]
                parts[f"{kind}:right"] = torch.stack(rates).mean().item()
        if self._recognizing is not None and len(batch.seen):
            error = self._recognizing.error(batch, self._features)
            loss = loss + RECOGNIZING_WEIGHT * error
            parts[f"{kind}:seen"] = error.item()
        return loss, parts


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    each = functional.cross_entropy(logits.float(), targets, reduction="none")
    return (each * weights).sum() / weights.sum()


def rate(progress: float) -> float:
    """Warm-up, plateau, then linear decay over the last 60 %, as a factor of the peak."""
    if progress < 0.01:
        return progress / 0.01
    return 1.0 if progress < 0.4 else max(0.02, (1.0 - progress) / 0.6)


def vocabulary_of(records: list[Record], file: Path, config: PocketConfig) -> Tokenizer:
    """Trained once, then read: ids may never change between resumes.

    Raises `CorruptArtifactError` naming a file that is no vocabulary of this size.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        texts = [record.caption for record in records if record.caption]
        texts += [question for record in records for question, _ in record.questions[:2]]
        train_vocabulary(texts, config).save(str(file))
    return read_vocabulary(file, config)


def fitting(config: PocketConfig, image_tokenizer: str, tokenizer: Tokenizer) -> dict[str, object]:
    """What a state of the language model must agree in: its size, and whose codes and which words its ids are."""
    ids = {"image_tokenizer": image_tokenizer, "vocabulary": identity(tokenizer)}
    return config.language_architecture() | ids


class LanguageTraining:
    """Steps of the language model's training, as `training.train` drives them."""

    def __init__(
        self,
        model: ChameleonForConditionalGeneration,
        recognizing: Recognizing | None,
        losses: Losses,
        makers: tuple[SequenceMaker, SequenceMaker],
        config: PocketConfig,
        device: str,
    ) -> None:
        self._losses, self._config, self._device = losses, config, device
        self._maker, self._tester = makers
        self._pad_id = int(model.config.pad_token_id)
        self._trained = {n: p for n, p in model.named_parameters() if not n.startswith("model.vqmodel")}
        if recognizing is not None:
            self._trained |= {f"{RECOGNIZING}{n}": p for n, p in recognizing.named_parameters()}
        inner = {name for name in self._trained if name.endswith("_proj.weight")}
        self._optimizers = [
            Muon([self._trained[name] for name in sorted(inner)], config.language_rate),
            torch.optim.AdamW(
                [parameter for name, parameter in self._trained.items() if name not in inner],
                lr=config.language_rate,
                betas=(0.9, 0.95),
                weight_decay=0.02,
            ),
        ]

    def restore(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(state["model"][name])
        for optimizer, saved in zip(self._optimizers, state["optimisers"], strict=True):
            optimizer.load_state_dict(saved)

    def _batches(
        self, maker: SequenceMaker, counts: dict[str, int], rng: np.random.Generator
    ) -> dict[str, Batch]:
        """One batch of each kind."""
        return {
            kind: Batch([getattr(maker, kind)(rng) for _ in range(count)], self._pad_id, self._device)
            for kind, count in counts.items()
            if kind != "told" or maker.tells
        }

    def advance(self, step: int) -> dict[str, float]:
        config = self._config
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = config.language_rate * rate(step / config.language_steps)
        counts = {"drawn": config.drawn, "read": config.read, "compared": config.compared, "told": TOLD}
        reported = dict[str, float]()
        for kind, batch in self._batches(self._maker, counts, np.random.default_rng((11, step))).items():
            with torch.autocast("cuda", torch.bfloat16, enabled=self._device.startswith("cuda")):
                loss, parts = self._losses(kind, batch)
            loss.backward()
            reported |= parts
        torch.nn.utils.clip_grad_norm_(list(self._trained.values()), 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
        return reported

    @torch.inference_mode()
    def test(self) -> str:
        tested = Means()
        counts = dict.fromkeys(KINDS, TESTED)
        for kind, batch in self._batches(self._tester, counts, np.random.default_rng(5)).items():
            tested.add(self._losses(kind, batch)[1])
        return tested.report()

    def parts(self) -> dict[str, Any]:
        return {
            "model": {name: parameter.detach() for name, parameter in self._trained.items()},
            "optimisers": [optimizer.state_dict() for optimizer in self._optimizers],
        }


def start_from(model: ChameleonForConditionalGeneration, directory: Path) -> None:
    """Give the language model the weights of a written checkpoint."""
    weights = {
        name: value
        for name, value in read_weights(directory).items()
        if not name.startswith("model.vqmodel.")
    }
    load_part(model, weights, "model.vqmodel.", f"training on from {directory}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tokens", type=Path, required=True, help="written by scripts.pocket.data.encode_corpus"
    )
    parser.add_argument("--start", type=Path, help="a written checkpoint, whose language model is trained on")
    add_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = read_size(options.size)
    tokens = read_tokens(options.tokens, config)
    split = {
        held_out: [i for i, record in enumerate(tokens.records) if record.held_out == held_out]
        for held_out in (False, True)
    }
    if options.start is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(options.start / VOCABULARY_FILE, options.out / VOCABULARY_FILE)
    tokenizer = vocabulary_of(
        [tokens.records[i] for i in split[False]], options.out / VOCABULARY_FILE, config
    )
    maker, tester = (
        SequenceMaker(config, tokenizer, tokens.codes, tokens.records, split[held_out])
        for held_out in (False, True)
    )
    torch.manual_seed(0)
    model = ChameleonForConditionalGeneration(chameleon_config(config, tokenizer))
    if options.start is not None:
        start_from(model, options.start)
    share_levels(model, config.levels, maker.first_code, empty=options.start is not None)
    recognizing = None
    if tokens.features.shape[1]:
        recognizing = Recognizing(model, config.hidden, tokens.features.shape[1]).to(options.device)
    model.to(options.device)
    losses = Losses(
        model,
        recognizing,
        torch.from_numpy(tokens.features),
        range(maker.first_code, maker.first_code + config.codes),
        maker.answer_ids,
    )
    steps = LanguageTraining(model, recognizing, losses, (maker, tester), config, options.device)
    architecture = fitting(config, tokens.image_tokenizer, tokenizer)
    architecture |= {"features": tokens.features.shape[1]}
    checkpoint = Checkpoint(options.out / "language_model.pt", architecture)
    state = checkpoint.load()
    train(steps, config.language_steps, checkpoint, state, minutes=options.minutes)


if __name__ == "__main__":
    run(main)
