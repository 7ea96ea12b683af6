"""The pocket model's vocabulary: Chameleon's special tokens by name, image tokens, and a small byte-level BPE."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from personalizer.errors import CorruptArtifactError
from scripts.pocket.config import PocketConfig

BOS, PAD, EOS, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
BEGIN_IMAGE, END_IMAGE, IMAGE = "<racm3:break>", "<eoss>", "<image>"
FIRST_RESERVED = 8706
"""`<reserved08706>` ends a turn in Chameleon's tokenizer; the rows behind it are free for new tokens."""


def image_token(code: int) -> str:
    """Chameleon writes digits as letters: code 305 is `IMGIMGDAFZ`."""
    return "IMGIMG" + "".join(chr(ord("A") + int(digit)) for digit in str(code)) + "Z"


def reserved_token(index: int) -> str:
    return f"<reserved{FIRST_RESERVED + index:05d}>"


def special_tokens(config: PocketConfig) -> list[str]:
    """In id order, from 0."""
    return [
        BOS,
        PAD,
        EOS,
        UNKNOWN,
        *(image_token(code) for code in range(config.codes)),
        BEGIN_IMAGE,
        END_IMAGE,
        IMAGE,
        *(reserved_token(index) for index in range(config.reserved)),
    ]


def train_vocabulary(texts: Iterable[str], config: PocketConfig) -> Tokenizer:
    """A lower-casing byte-level BPE of `text_vocabulary` entries behind the special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = special_tokens(config)
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + config.text_vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def read_vocabulary(file: Path, config: PocketConfig) -> Tokenizer:
    """What `train_vocabulary` made and was saved; raises `CorruptArtifactError` naming the file if it does not fit."""
    tried, fix = f"reading the vocabulary {file}", "Give another folder, where everything begins anew."
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises bare Exception
        raise CorruptArtifactError(
            tried=tried, found=f"it is damaged or missing ({error})", fix=fix
        ) from error
    special = special_tokens(config)
    if [tokenizer.id_to_token(number) for number in range(len(special))] != special:
        raise CorruptArtifactError(
            tried=tried, found=f"it does not begin with this size's {len(special)} special tokens", fix=fix
        )
    return tokenizer


def identity(tokenizer: Tokenizer) -> str:
    """A hash of the vocabulary; a model that was trained with it fits no other."""
    return hashlib.sha256(tokenizer.to_str().encode()).hexdigest()[:16]
