"""How a trained concept lies on disk: file names, tensor names and manifest keys, for who trains and who serves.

Knows names and nothing of what they stand for; no torch, so that serving may import it.
"""

from __future__ import annotations

from typing import Final

from personalizer.prefix.prompts import RowKind

WEIGHTS_FILE: Final = "prefix.safetensors"
MANIFEST_FILE: Final = "manifest.json"
CACHE_FILE: Final = "prompt_cache.safetensors"
"""Keys and values of the personal prompt in one export of the backbone."""
CACHE_MANIFEST: Final = "prompt_cache.json"

KIND: Final = "dual-prefix"
FORMAT: Final = 1
DEEP_FORMAT: Final = 2
"""With deep rows beside the others; without any, files are what they were before there were some."""
FORMATS: Final = (FORMAT, DEEP_FORMAT)

ROW_KINDS: Final[tuple[RowKind, ...]] = ("name", "generation", "understanding")
"""The order of the virtual tokens, in the tensors and behind the text vocabulary."""
DEEP_ROWS: Final = "deep_rows"
"""The tensor of what is added to keys and values."""


def input_tensor(kind: RowKind) -> str:
    """The tensor of the input embeddings `[count, hidden]` of one kind."""
    return f"{kind}_input"


def output_tensor(kind: RowKind) -> str:
    """The tensor of the output (logit) embeddings `[count, hidden]` of one kind."""
    return f"{kind}_output"
