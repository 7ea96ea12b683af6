"""Embeds prompt segments and computes logits, with the virtual tokens of no concept, one or several.

Defines the order of tokens in a sequence; knows no file, no sampling and no wording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from exporters.runtime.session import BackboneSession, Cache
from personalizer.errors import UsageError
from personalizer.prefix.format import VIRTUAL_TOKEN_KINDS
from personalizer.prefix.prompts import (
    ImageSlot,
    Segment,
    Separator,
    Text,
    VirtualTokenKind,
    VirtualTokens,
    name_slot,
    personal_prompt,
)
from personalizer.schemas import Float32Array, Int64Array

ReadImage = Image.Image | Float32Array
"""A picture, or its input embeddings `[context_tokens_per_image, hidden]` from `image_context`, so that several
questions about one picture encode it once."""


class PromptContext:
    """A session and the beginning of every sequence in it: the begin token and the concepts' personal prompts.

    Ids from `text_vocabulary` on are virtual tokens: name, generation and understanding tokens of the first concept,
    then those of the next.
    """

    def __init__(self, session: BackboneSession) -> None:
        self.session = session

    @property
    def concepts(self) -> Sequence[PromptContext]:
        """The concepts in the order of their prompts, each a context of its own."""
        return ()

    @property
    def input_embeddings(self) -> Mapping[VirtualTokenKind, Float32Array]:
        """Input embeddings `[count, hidden]` of each kind of virtual token."""
        return {}

    @property
    def output_embeddings(self) -> Mapping[VirtualTokenKind, Float32Array]:
        """Output embeddings `[count, hidden]` of each kind of virtual token."""
        return {}

    @property
    def display_name(self) -> str:
        """The word that replaces the name token in an answer."""
        return ""

    @property
    def self_prompting(self) -> bool:
        """Whether answers begin with virtual tokens, as in training."""
        return True

    @cached_property
    def prompt_cache(self) -> Cache:
        """Keys and values of the beginning of every sequence, with a batch of 1."""
        begin = self.session.embed_text(self.session.spec.begin_ids)
        return self.session.forward(begin[None])[1]

    @property
    def prompt_length(self) -> int:
        """The number of positions in `prompt_cache`, computed without running the backbone."""
        begin = len(self.session.spec.begin_ids)
        return begin + sum(len(concept.embed(personal_prompt())) for concept in self.concepts)

    @cached_property
    def begin_cache(self) -> Cache:
        """Keys and values of the begin token alone, without any personal prompt."""
        return PromptContext(self.session).prompt_cache

    def virtual_token_ids(self, kind: VirtualTokenKind, concept: int = 0) -> Int64Array:
        """Ids of one kind of virtual token of the concept with this index; empty if there is no such concept."""
        first = self.session.spec.text_vocabulary
        for index, context in enumerate(self.concepts):
            for name in VIRTUAL_TOKEN_KINDS:
                count = len(context.input_embeddings[name])
                if (index, name) == (concept, kind):
                    return np.arange(first, first + count, dtype=np.int64)
                first += count
        return np.zeros(0, dtype=np.int64)

    def self_prompt(self, kind: VirtualTokenKind, segments: Sequence[Segment]) -> Int64Array:
        """Ids of the virtual tokens at the beginning of the answer, for the concepts that `segments` name, or for all
        if they name none. Concepts that were trained without self-prompting add none.
        """
        named = {segment.concept for segment in segments if isinstance(segment, VirtualTokens)}
        indices = [
            index
            for index, concept in enumerate(self.concepts)
            if concept.self_prompting and (not named or index in named)
        ]
        return np.concatenate(
            [np.zeros(0, dtype=np.int64), *(self.virtual_token_ids(kind, index) for index in indices)]
        )

    def embed(self, segments: Sequence[Segment], images: Sequence[ReadImage] = ()) -> Float32Array:
        """Input embeddings `[seq, hidden]` of a prompt that continues `prompt_cache`.

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
                    parts.append(self._image_context(images[index]))
                    parts.append(session.embed_text(spec.end_image_ids))
                case VirtualTokens(kind, count, concept):
                    if concept >= len(self.concepts):
                        given = f"{len(self.concepts)} were" if self.concepts else "none was"
                        raise UsageError(
                            tried="reading a prompt",
                            found=f"it names a concept, and {given} given",
                            fix=f"Name the concept, or leave {name_slot(concept)} out.",
                        )
                    parts.append(self.concepts[concept].input_embeddings[kind][:count])
                case Separator():
                    parts.append(session.embed_text(spec.separator_ids))
        if not parts:
            return np.zeros((0, spec.hidden_size), dtype=np.float32)
        return np.concatenate(parts)

    def embed_ids(self, ids: Sequence[int] | Int64Array) -> Float32Array:
        """Input embeddings `[..., hidden]` of text ids and ids of virtual tokens mixed."""
        ids = np.asarray(ids, dtype=np.int64)
        vocabulary = self.session.spec.text_vocabulary
        if not self.concepts or ids.size == 0 or int(ids.max()) < vocabulary:
            return self.session.embed_text(ids)
        embedded = self.session.embed_text(np.minimum(ids, vocabulary - 1))
        learned = ids >= vocabulary
        embedded[learned] = self._input_embeddings[ids[learned] - vocabulary]
        return embedded

    def logits(self, hidden: Float32Array) -> Float32Array:
        """`[..., text_vocabulary + virtual tokens]` for hidden states `[..., hidden]`."""
        logits = self.session.text_logits(hidden)
        if not self.concepts:
            return logits
        return np.concatenate([logits, hidden @ self._output_embeddings.T], axis=-1)

    @cached_property
    def _input_embeddings(self) -> Float32Array:
        return np.concatenate(
            [concept.input_embeddings[kind] for concept in self.concepts for kind in VIRTUAL_TOKEN_KINDS]
        )

    @cached_property
    def _output_embeddings(self) -> Float32Array:
        return np.concatenate(
            [concept.output_embeddings[kind] for concept in self.concepts for kind in VIRTUAL_TOKEN_KINDS]
        )

    def _image_context(self, image: ReadImage) -> Float32Array:
        return self.session.image_context([image])[0] if isinstance(image, Image.Image) else image
