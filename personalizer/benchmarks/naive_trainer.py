"""Trains new tokens the usual way (full embedding matrices as parameters), as the baseline of the speed benchmark.

Written from the description of such recipes: the whole input and output embedding matrices are parameters,
the pretrained part is restored after each step, pictures are encoded anew at every step, and logits cover the whole
vocabulary at all positions of a fixed length. Examples and initialization are those of `trainer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional

from personalizer.backbones.chameleon import ChameleonBackbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.training.data.examples import Example

IGNORED = -100
"""Label of positions outside the loss mask."""


class NaiveRecipe:
    """Trains the virtual tokens of a prefix as part of the whole embedding matrices.

    `pictures` holds scaled pixels `[3, size, size]` by the code ids that stand for them in examples. `prefix` gives the
    initialization and is not changed. `padded_to` is the fixed length in positions. With `our_weights` each label is
    weighted, and its softmax restricted to text or to image codes, as in `training.loss`; without, the loss is the
    mean over all labels and the whole vocabulary, as in the published recipes.
    """

    def __init__(
        self,
        backbone: ChameleonBackbone,
        prefix: DualPrefix,
        pictures: Mapping[tuple[int, ...], torch.Tensor],
        *,
        padded_to: int,
        learning_rate: float,
        our_weights: bool = False,
    ) -> None:
        self._backbone = backbone
        self._pictures = pictures
        self._padded_to = padded_to
        self._our_weights = our_weights
        self._text_vocabulary = backbone.spec.text_vocabulary
        input_embeddings = backbone.embed_text(torch.arange(self._text_vocabulary)).float()
        self._pretrained = (input_embeddings, backbone.model.lm_head.weight.detach().float())
        virtual_tokens = (prefix.input_embeddings.detach(), prefix.output_embeddings.detach())
        self.input_matrix, self.output_matrix = (
            torch.nn.Parameter(torch.cat([matrix, added]))
            for matrix, added in zip(self._pretrained, virtual_tokens, strict=True)
        )
        """Float32 `[text_vocabulary + num_virtual_tokens, hidden]`, the virtual tokens last."""
        self.optimizer = torch.optim.AdamW(
            [self.input_matrix, self.output_matrix], lr=learning_rate, weight_decay=0.0
        )
        is_code = torch.zeros(len(self.input_matrix), dtype=torch.bool, device=backbone.device)
        is_code[backbone.image_ids] = True
        self._is_code = is_code

    def step(self, examples: Sequence[Example]) -> float:
        """One optimizer step on a batch; returns the loss before it."""
        loss = self.loss(examples)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            matrices = (self.input_matrix, self.output_matrix)
            for matrix, pretrained in zip(matrices, self._pretrained, strict=True):
                matrix[: self._text_vocabulary] = pretrained
        return float(loss.detach())

    def loss(self, examples: Sequence[Example]) -> torch.Tensor:
        """The scalar loss of a batch; encodes every picture again, and pictures to generate a second time as labels."""
        device = self._backbone.device
        ids = torch.zeros((len(examples), self._padded_to), dtype=torch.long)
        mask, labels, weights = torch.zeros_like(ids), torch.full_like(ids, IGNORED), torch.zeros(ids.shape)
        for row, example in enumerate(examples):
            # Next-token labels: position i predicts the token at i + 1. Targets index both matrices.
            length = len(example.target) + 1
            mask[row, :length] = 1
            weights[row, 1:length] = torch.tensor(example.weight)
            ids[row, :length] = torch.tensor([example.value[0], *example.target])
        pictured = [
            (row, [position + 1 for position, is_code in enumerate(example.target_is_code) if is_code])
            for row, example in enumerate(examples)
            if any(example.target_is_code)
        ]
        generated = [(row, positions) for row, positions in pictured if weights[row, positions[0]] > 0]
        label_codes = self._encode(ids, generated)
        for (row, positions), codes in zip(pictured, self._encode(ids, pictured), strict=True):
            ids[row, positions] = codes
        labels[weights > 0] = ids[weights > 0]
        for (row, positions), codes in zip(generated, label_codes, strict=True):
            labels[row, positions] = codes
        ids, mask, labels, weights = (each.to(device) for each in (ids, mask, labels, weights))
        embeddings = functional.embedding(ids, self.input_matrix).to(self._backbone.model.dtype)
        # Through plain transformers: packed weights are an optimization of ours, not of the baseline.
        outputs = self._backbone.model.model(inputs_embeds=embeddings, attention_mask=mask, use_cache=False)
        hidden = outputs.last_hidden_state
        logits = functional.linear(hidden, self.output_matrix.to(hidden.dtype)).float()
        logits, labels, weights = (
            logits[:, :-1].flatten(0, 1),
            labels[:, 1:].flatten(),
            weights[:, 1:].flatten(),
        )
        if not self._our_weights:
            return functional.cross_entropy(logits, labels, ignore_index=IGNORED)
        is_code_label = self._is_code[labels.clamp_min(0)]
        logits = logits.masked_fill(is_code_label[:, None] != self._is_code, torch.finfo(logits.dtype).min)
        values = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="none")
        return (values * weights).sum() / len(examples)

    def _encode(self, ids: torch.Tensor, pictured: Sequence[tuple[int, list[int]]]) -> torch.Tensor:
        """Token ids `[pictures, tokens_per_image]`, encoded from the pixels of each (row, positions) in `pictured`.

        The codes in `ids` `[batch, padded_to]` at these positions identify the picture.
        """
        if not pictured:
            return torch.zeros((0, self._backbone.spec.tokens_per_image), dtype=torch.long)
        pixels = [self._pictures[tuple(ids[row, positions].tolist())] for row, positions in pictured]
        with torch.no_grad():
            codes = self._backbone.encode_pixels(torch.stack(pixels).to(self._backbone.device))
        return self._backbone.image_ids[codes].cpu()

    def put_virtual_tokens_into(self, prefix: DualPrefix) -> None:
        """Copy the current virtual tokens, in place, into the parameters of `prefix`."""
        with torch.no_grad():
            new = slice(self._text_vocabulary, None)
            input_shift = self.input_matrix[new] - prefix.input_initialization
            prefix.input_offset.copy_(input_shift / prefix.input_scale)
            prefix.output_offset.copy_(self.output_matrix[new] / prefix.output_scale)
