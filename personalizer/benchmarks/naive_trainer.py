"""The usual way of training new tokens, as a baseline to measure against; nothing else uses it.

Written from the description of such recipes: the whole input and output matrices are parameters and every other row
is put back after each step, pictures are encoded anew at every step, logits cover the vocabulary at all positions of
a fixed length. It learns from the same examples and starts from the same rows as `trainer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional

from personalizer.backbones.chameleon import ChameleonBackbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.training.data.examples import Example

IGNORED = -100


class NaiveRecipe:
    """Trains new rows as part of whole matrices.

    `pictures` holds scaled pixels `[3, size, size]` by the codes that examples name them with. `prefix` says where
    the rows start. With `our_weights` each label counts as in `loss`, graded by the head that its token has
    there; without, the loss is the mean over all labels over the whole vocabulary, as these recipes have it.
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
        self._words = backbone.spec.text_vocabulary
        known = backbone.embed_text(torch.arange(self._words)).float()
        self._known = (known, backbone.model.lm_head.weight.detach().float())
        rows = (prefix.input_rows.detach(), prefix.output_rows.detach())
        self.input_matrix, self.output_matrix = (
            torch.nn.Parameter(torch.cat([matrix, added]))
            for matrix, added in zip(self._known, rows, strict=True)
        )
        """`[text_vocabulary + rows, hidden]`"""
        self.optimizer = torch.optim.AdamW(
            [self.input_matrix, self.output_matrix], lr=learning_rate, weight_decay=0.0
        )
        is_code = torch.zeros(len(self.input_matrix), dtype=torch.bool, device=backbone.device)
        is_code[backbone.image_ids] = True
        self._is_code = is_code

    def step(self, examples: Sequence[Example]) -> float:
        """One step; returns the loss before it."""
        loss = self.loss(examples)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            for matrix, known in zip((self.input_matrix, self.output_matrix), self._known, strict=True):
                matrix[: self._words] = known
        return float(loss.detach())

    def loss(self, examples: Sequence[Example]) -> torch.Tensor:
        """The loss of a batch, with every picture encoded again, and those that are drawn twice."""
        device = self._backbone.device
        ids = torch.zeros((len(examples), self._padded_to), dtype=torch.long)
        mask, labels, weights = torch.zeros_like(ids), torch.full_like(ids, IGNORED), torch.zeros(ids.shape)
        for row, example in enumerate(examples):
            # Position i + 1 holds what position i is graded on; targets are indices into both matrices.
            length = len(example.target) + 1
            mask[row, :length] = 1
            weights[row, 1:length] = torch.tensor(example.weight)
            ids[row, :length] = torch.tensor([example.value[0], *example.target])
        pictured = [
            (row, [place + 1 for place, is_code in enumerate(example.target_is_code) if is_code])
            for row, example in enumerate(examples)
            if any(example.target_is_code)
        ]
        drawn = [(row, places) for row, places in pictured if weights[row, places[0]] > 0]
        again = {row: codes for (row, _), codes in zip(drawn, self._encode(ids, drawn), strict=True)}
        for (row, places), codes in zip(pictured, self._encode(ids, pictured), strict=True):
            ids[row, places] = codes
        labels[weights > 0] = ids[weights > 0]
        for row, places in drawn:
            labels[row, places] = again[row]
        ids, mask, labels, weights = (each.to(device) for each in (ids, mask, labels, weights))
        embeddings = functional.embedding(ids, self.input_matrix).to(self._backbone.model.dtype)
        # As transformers runs it: packed weights are ours.
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
        """The ids of each picture's tokens, `[pictures, tokens]`, from its pixels; `ids` says which picture it is."""
        if not pictured:
            return torch.zeros((0, self._backbone.spec.tokens_per_image), dtype=torch.long)
        pixels = [self._pictures[tuple(ids[row, places].tolist())] for row, places in pictured]
        with torch.no_grad():
            codes = self._backbone.encode_pixels(torch.stack(pixels).to(self._backbone.device))
        return self._backbone.image_ids[codes].cpu()

    def put_rows_into(self, prefix: DualPrefix) -> None:
        """Copy the rows as they are now."""
        with torch.no_grad():
            moved = self.input_matrix[self._words :] - prefix.input_start
            prefix.input_offset.copy_(moved / prefix.input_scale)
            prefix.output_offset.copy_(self.output_matrix[self._words :] / prefix.output_scale)
