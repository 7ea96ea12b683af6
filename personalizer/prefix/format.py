"""Names of the files, tensors and manifest keys of a trained concept on disk, shared by training and serving.

Imports no torch, so that serving can use it. The names stay as they are: prefixes of users are stored under them.
"""

from __future__ import annotations

from typing import Final

from personalizer.prefix.prompts import VirtualTokenKind

WEIGHTS_FILE: Final = "prefix.safetensors"
MANIFEST_FILE: Final = "manifest.json"
CACHE_FILE: Final = "prompt_cache.safetensors"
"""Keys and values of the personal prompt in one export of the backbone."""
CACHE_MANIFEST: Final = "prompt_cache.json"

KIND: Final = "dual-prefix"
FORMAT: Final = 1
DEEP_FORMAT: Final = 2
"""With deep prompts; a prefix without them is stored in format 1, as before deep prompts existed."""
FORMATS: Final = (FORMAT, DEEP_FORMAT)

VIRTUAL_TOKEN_KINDS: Final[tuple[VirtualTokenKind, ...]] = ("name", "generation", "understanding")
"""The order of the virtual tokens, in the tensors and behind the text vocabulary."""
DEEP_PROMPTS: Final = "deep_rows"
"""The tensor of key/value offsets."""
GENERATION_TOKENS_KEY: Final = "generation_rows"
UNDERSTANDING_TOKENS_KEY: Final = "understanding_rows"
"""Manifest keys of the numbers of virtual tokens."""


def input_tensor(kind: VirtualTokenKind) -> str:
    """The tensor of the input embeddings `[count, hidden]` of one kind."""
    return f"{kind}_input"


def output_tensor(kind: VirtualTokenKind) -> str:
    """The tensor of the output (logit) embeddings `[count, hidden]` of one kind."""
    return f"{kind}_output"
