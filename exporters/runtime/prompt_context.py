"""From prompt segments to embeddings and from hidden states to logits, with the learned rows of no concept, one
or several.

Knows the tokens' order in a sequence; knows no file, no sampling and no wording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from exporters.runtime.session import BackboneSession, Cache
from personalizer.errors import UsageError
from personalizer.prefix.format import ROW_KINDS
from personalizer.prefix.prompts import (
    ImageSlot,
    RowKind,
    Rows,
    Segment,
    Separator,
    Text,
    name_slot,
    personal_prompt,
)
from personalizer.schemas import Float32Array, Int64Array

ReadImage = Image.Image | Float32Array
"""A picture, or what the model reads for it (`[context_tokens_per_image, hidden]`, from `image_context`):
asking many questions about one picture encodes it once."""


class PromptContext:
    """A session and what every sequence in it starts with. Without a concept that is only the begin token.

    Ids from `text_vocabulary` on are learned rows: name, generation rows, understanding rows of the first concept, then
    those of the next.
    """

    def __init__(self, session: BackboneSession) -> None:
        self.session = session

    @property
    def concepts(self) -> Sequence[PromptContext]:
        """The concepts in the order of their places in a prompt, each a context of its own."""
        return ()

    @property
    def inputs(self) -> Mapping[RowKind, Float32Array]:
        """Learned input rows `[count, hidden]` of each kind."""
        return {}

    @property
    def outputs(self) -> Mapping[RowKind, Float32Array]:
        """Learned output (logit) rows `[count, hidden]` of each kind."""
        return {}

    @property
    def display_name(self) -> str:
        """The word that stands for the name row in an answer."""
        return ""

    @property
    def self_prompting(self) -> bool:
        """Whether answers begin with learned rows, as in training."""
        return True

    @cached_property
    def start(self) -> Cache:
        """Keys and values of what every sequence starts with; batch 1, shared by all of them."""
        begin = self.session.embed_text(self.session.spec.begin_ids)
        return self.session.forward(begin[None])[1]

    @property
    def start_length(self) -> int:
        """How many positions `start` takes, told without running it."""
        begin = len(self.session.spec.begin_ids)
        return begin + sum(len(one.embed(personal_prompt())) for one in self.concepts)

    @cached_property
    def bare_start(self) -> Cache:
        """The begin token alone, whatever the concepts."""
        return PromptContext(self.session).start

    def row_ids(self, kind: RowKind, concept: int = 0) -> Int64Array:
        """Ids of the learned rows of one kind of the concept at a place; none where there is no such concept."""
        first = self.session.spec.text_vocabulary
        for place, one in enumerate(self.concepts):
            for name in ROW_KINDS:
                count = len(one.inputs[name])
                if (place, name) == (concept, kind):
                    return np.arange(first, first + count, dtype=np.int64)
                first += count
        return np.zeros(0, dtype=np.int64)

    def self_prompt(self, kind: RowKind, segments: Sequence[Segment]) -> Int64Array:
        """Ids of the rows that come first in the answer: those of the concepts that `segments` name, or of all when
        they name none. Concepts that were trained without self-prompting have none there.
        """
        named = {segment.concept for segment in segments if isinstance(segment, Rows)}
        places = [
            place
            for place, one in enumerate(self.concepts)
            if one.self_prompting and (not named or place in named)
        ]
        return np.concatenate([np.zeros(0, dtype=np.int64), *(self.row_ids(kind, one) for one in places)])

    def embed(self, segments: Sequence[Segment], images: Sequence[ReadImage] = ()) -> Float32Array:
        """Input embeddings `[seq, hidden]` of a prompt, without what `start` already has.

        Raises `UsageError` if a segment needs a concept or an image that is not there.
        """
        session, spec = self.session, self.session.spec
        parts: list[Float32Array] = []
        for segment in segments:
            match segment:
                case Text(text):
                    parts.append(session.embed_text(session.tokenize(text)))
                case ImageSlot(index):
                    if index >= len(images):
                        raise UsageError(
                            tried="reading a prompt",
                            found=f"it shows image {index + 1}, and there are {len(images)}",
                            fix="Give as many images as the prompt shows.",
                        )
                    parts.append(session.embed_text(spec.begin_image_ids))
                    parts.append(self._read(images[index]))
                    parts.append(session.embed_text(spec.end_image_ids))
                case Rows(kind, count, concept):
                    if concept >= len(self.concepts):
                        given = f"{len(self.concepts)} were" if self.concepts else "none was"
                        raise UsageError(
                            tried="reading a prompt",
                            found=f"it names a concept, and {given} given",
                            fix=f"Name the concept, or leave {name_slot(concept)} out.",
                        )
                    parts.append(self.concepts[concept].inputs[kind][:count])
                case Separator():
                    parts.append(session.embed_text(spec.separator_ids))
        if not parts:
            return np.zeros((0, spec.hidden_size), dtype=np.float32)
        return np.concatenate(parts)

    def embed_ids(self, ids: Sequence[int] | Int64Array) -> Float32Array:
        """Input embeddings `[..., hidden]` of text ids and learned ids mixed."""
        ids = np.asarray(ids, dtype=np.int64)
        vocabulary = self.session.spec.text_vocabulary
        if not self.concepts or ids.size == 0 or int(ids.max()) < vocabulary:
            return self.session.embed_text(ids)
        embedded = self.session.embed_text(np.minimum(ids, vocabulary - 1))
        learned = ids >= vocabulary
        embedded[learned] = self._input_rows[ids[learned] - vocabulary]
        return embedded

    def logits(self, hidden: Float32Array) -> Float32Array:
        """`[..., text_vocabulary + learned rows]` for hidden states `[..., hidden]`."""
        logits = self.session.text_logits(hidden)
        if not self.concepts:
            return logits
        return np.concatenate([logits, hidden @ self._output_rows.T], axis=-1)

    @cached_property
    def _input_rows(self) -> Float32Array:
        return np.concatenate([one.inputs[kind] for one in self.concepts for kind in ROW_KINDS])

    @cached_property
    def _output_rows(self) -> Float32Array:
        return np.concatenate([one.outputs[kind] for one in self.concepts for kind in ROW_KINDS])

    def _read(self, image: ReadImage) -> Float32Array:
        return self.session.image_context([image])[0] if isinstance(image, Image.Image) else image
