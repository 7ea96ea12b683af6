"""Chameleon-format checkpoints: Anole-7B, its converted relatives and the bundled pocket model.

Loads a local folder with transformers' class and key names (`config.json`, safetensors, `tokenizer.json`,
`preprocessor_config.json`). Two things that transformers lacks are added here: the pixel decoder and logits for image
tokens. Knows no concept; every size is read from the checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import ChameleonForConditionalGeneration, DynamicCache
from transformers.utils import logging as transformers_logging

from personalizer.backbones.base import BackboneSpec
from personalizer.backbones.packed_linear import PackedLinears
from personalizer.backbones.pixel_decoder import DecoderGeometry, PixelDecoder
from personalizer.backbones.preprocessing import PixelScaling
from personalizer.errors import CorruptArtifactError, FamiliarError, NotReadyError

DECODER_PREFIX = "model.vqmodel.decoder."
BEGIN_IMAGE, END_IMAGE, SEPARATOR = "<racm3:break>", "<eoss>", "<reserved08706>"
"""The names that Chameleon's tokenizer gives to the image markers and to the end of a turn."""
Quantization = Literal["int8", "int4"]


def load_chameleon(
    directory: Path,
    device: torch.device,
    *,
    name: str | None = None,
    quantize: Quantization | None = None,
) -> ChameleonBackbone:
    """Load and freeze the checkpoint in `directory`; float32 on the CPU, bfloat16 on a GPU.

    With `quantize`, the transformer's weights are kept in 8 or 4 bits (embeddings, the head and the image tokenizer
    are not), and gradients still pass through to rows. Raises NotReadyError when files or what quantizes are missing
    and CorruptArtifactError when files contradict each other.
    """
    missing = [f for f in ("config.json", "tokenizer.json") if not (directory / f).is_file()]
    if missing or not list(directory.glob("*.safetensors")):
        raise NotReadyError(
            tried=f"loading a Chameleon checkpoint from {directory}",
            found=f"{', '.join(missing) or 'a *.safetensors file'} is missing",
            fix="Give a folder with config.json, tokenizer.json and safetensors weights (pickled weights are refused).",
        )
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    verbosity = transformers_logging.get_verbosity()
    # The decoder's keys are unknown to transformers; they are loaded below, so its warning would only worry.
    transformers_logging.set_verbosity_error()
    progress_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        model, loading = ChameleonForConditionalGeneration.from_pretrained(
            directory, dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        if loading["missing_keys"]:
            # transformers would fill them with random numbers.
            names = sorted(loading["missing_keys"])
            raise ValueError(f"{len(names)} tensors are missing, the first is {names[0]}")
        decoder = _load_decoder(directory)
        if quantize is not None:
            _quantize(model.model.layers, quantize)
        return ChameleonBackbone(directory, model, decoder, device, name=name or directory.name)
    except FamiliarError:
        raise
    except Exception as error:  # safetensors, tokenizers and transformers each raise types of their own
        raise CorruptArtifactError(
            tried=f"loading a Chameleon checkpoint from {directory}",
            found=next(iter(str(error).strip().splitlines()), type(error).__name__),
            fix="Fetch or build the checkpoint again.",
        ) from error
    finally:
        transformers_logging.set_verbosity(verbosity)
        if progress_bars:
            transformers_logging.enable_progress_bar()


def _quantize(layers: torch.nn.Module, bits: Quantization) -> None:
    """Replace the weights of linear layers, in place."""
    try:
        from optimum import quanto
    except ImportError as error:
        raise NotReadyError(
            tried=f"quantizing the backbone to {bits}",
            found="optimum-quanto is not installed",
            fix="Install it with: pip install -e '.[quantize]' -c constraints.txt",
        ) from error
    quanto.quantize(layers, weights={"int8": quanto.qint8, "int4": quanto.qint4}[bits])
    quanto.freeze(layers)


def _load_decoder(directory: Path) -> PixelDecoder:
    weights: dict[str, torch.Tensor] = {}
    for file in sorted(directory.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - safe_open is no mapping
                if key.startswith(DECODER_PREFIX):
                    weights[key.removeprefix(DECODER_PREFIX)] = tensors.get_tensor(key).float()
    decoder = PixelDecoder(DecoderGeometry.from_weights(weights))
    decoder.load_state_dict(weights)
    return decoder


def checkpoint_version(directory: Path) -> str:
    """Short hash over the files that decide what ids and rows mean; large shards count by size and index only."""
    digest = hashlib.sha256()
    described = [directory / f for f in ("config.json", "tokenizer.json", "preprocessor_config.json")]
    for file in sorted([*directory.glob("*.safetensors"), *(f for f in described if f.exists())]):
        digest.update(file.name.encode())
        size = file.stat().st_size
        digest.update(str(size).encode())
        with file.open("rb") as stream:
            # 64 MiB cover the pocket model wholly; of a 7B shard they cover the header and the first tensors.
            digest.update(stream.read(64 * 2**20))
    return digest.hexdigest()[:16]


def _spec(
    name: str, directory: Path, config: Any, vocabulary: Mapping[str, int], codebook_size: int
) -> BackboneSpec:
    """Sizes and special ids of a checkpoint in `directory`. Raises CorruptArtifactError for a missing token."""

    def special(token: str) -> int:
        if token not in vocabulary:
            raise CorruptArtifactError(
                tried=f"reading the vocabulary of {directory}",
                found=f"there is no token {token}",
                fix="Use a checkpoint whose config.json has Chameleon's vocabulary_map.",
            )
        return int(vocabulary[token])

    side = config.vq_config.resolution // 2 ** (len(config.vq_config.channel_multiplier) - 1)
    end_id = config.eos_token_id
    return BackboneSpec(
        name=name,
        version=checkpoint_version(directory),
        family="chameleon",
        hidden_size=config.hidden_size,
        layers=config.num_hidden_layers,
        kv_heads=config.num_key_value_heads,
        head_dim=config.hidden_size // config.num_attention_heads,
        max_positions=config.max_position_embeddings,
        text_vocabulary=config.vocab_size,
        codebook_size=codebook_size,
        image_size_px=config.vq_config.resolution,
        tokens_per_image=side * side,
        context_tokens_per_image=side * side,
        begin_ids=(int(config.bos_token_id),),
        begin_image_ids=(special(BEGIN_IMAGE),),
        end_image_ids=(special(END_IMAGE),),
        separator_ids=(special(SEPARATOR),),
        end_id=int(end_id[0] if isinstance(end_id, list) else end_id),
        free_ids=tuple(
            index
            for token, index in vocabulary.items()
            if re.fullmatch(r"<reserved\d{5}>", token) and token != SEPARATOR
        ),
    )


class ChameleonBackbone:
    """A frozen Chameleon-format model; implements `personalizer.backbones.base.Backbone`."""

    reads_own_codes = True

    def __init__(
        self,
        directory: Path,
        model: ChameleonForConditionalGeneration,
        pixel_decoder: PixelDecoder,
        device: torch.device,
        *,
        name: str,
    ) -> None:
        self.directory = directory
        self.device = device
        self.model = model.to(device).eval().requires_grad_(False)
        self.pixel_decoder = pixel_decoder.to(device).eval().requires_grad_(False)
        self._layers = PackedLinears(self.model.model.layers)
        self.tokenizer_path = directory / "tokenizer.json"
        self._tokenizer = Tokenizer.from_file(str(self.tokenizer_path))
        # What a person typed is words, also where it spells an end token.
        self._tokenizer.encode_special_tokens = True
        config = model.config
        self.scaling = PixelScaling.from_config(
            directory / "preprocessor_config.json", default_size_px=config.vq_config.resolution
        )
        if self.scaling.size_px != config.vq_config.resolution:
            raise CorruptArtifactError(
                tried=f"reading the preprocessing of {directory}",
                found=f"it crops to {self.scaling.size_px} px, the model reads {config.vq_config.resolution} px",
                fix="Use the preprocessor_config.json that belongs to this checkpoint.",
            )
        vocabulary = json.loads((directory / "config.json").read_text()).get("vocabulary_map") or {}
        mapping = model.model.vocabulary_mapping
        code_to_id = torch.tensor([mapping.img2bpe[code] for code in range(len(mapping.img2bpe))])
        self.image_ids = code_to_id.to(device)
        """The text id of each image code, `[codebook_size]`."""
        self._image_mask = torch.zeros(config.vocab_size, dtype=torch.bool)
        self._image_mask[code_to_id] = True
        self._image_mask = self._image_mask.to(device)
        self.spec = _spec(name, directory, config, vocabulary, codebook_size=len(code_to_id))

    @property
    def language_model(self) -> torch.nn.Module:
        """The decoder alone: takes `inputs_embeds`, returns hidden states after the final norm."""
        decoder: torch.nn.Module = self.model.model
        return decoder

    @property
    def modules(self) -> Mapping[str, torch.nn.Module]:
        """Everything that has weights."""
        return {"model": self.model, "pixel_decoder": self.pixel_decoder}

    def tokenize(self, text: str) -> list[int]:
        """Text ids, without any special token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def detokenize(self, ids: Sequence[int]) -> str:
        """The words; special tokens are left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    @torch.no_grad()
    def encode_images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Image codes, int64 `[images, tokens_per_image]`."""
        pixels = torch.from_numpy(np.stack([self.scaling.pixels(image) for image in images]))
        batches = [self.encode_pixels(batch) for batch in pixels.to(self.device).split(32)]
        return torch.cat(batches)

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Codes `[n, tokens_per_image]` from scaled pixels `[n, 3, size, size]`."""
        vq = self.model.model.vqmodel
        _, _, codes = vq.quantize(vq.quant_conv(vq.encoder(pixels.to(vq.quant_conv.weight.dtype))))
        return codes.view(pixels.shape[0], -1)

    @torch.no_grad()
    def decode_images(self, codes: torch.Tensor) -> list[Image.Image]:
        """Pictures of `image_size_px` from codes `[images, tokens_per_image]`."""
        pixels = torch.cat([self.decode_pixels(batch) for batch in codes.to(self.device).split(32)])
        return [self.scaling.image(picture) for picture in pixels.float().cpu().numpy()]

    def decode_pixels(self, codes: torch.Tensor) -> torch.Tensor:
        """Scaled pixels `[n, 3, size, size]` from codes `[n, tokens_per_image]`."""
        vq = self.model.model.vqmodel
        side = int(codes.shape[1] ** 0.5)
        latents = vq.quantize.embedding(codes).permute(0, 2, 1).reshape(codes.shape[0], -1, side, side)
        latents = vq.post_quant_conv(latents)
        return self.pixel_decoder(latents.to(self.pixel_decoder.conv_in.weight.dtype))

    def image_context(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """What the model reads for each image, `[images, tokens_per_image, hidden]`: its own codes, embedded."""
        return self.embed_image_codes(self.encode_images(images))

    def embed_text(self, ids: torch.Tensor) -> torch.Tensor:
        """Input embeddings of text ids, `[..., hidden]`."""
        return self.model.model.embed_tokens(ids.to(self.device))

    def embed_image_codes(self, codes: torch.Tensor) -> torch.Tensor:
        """Input embeddings of image codes, `[..., hidden]`."""
        return self.model.model.embed_tokens(self.image_ids[codes.to(self.device)])

    def forward(
        self, embeddings: torch.Tensor, mask: torch.Tensor | None = None, cache: Any = None
    ) -> tuple[torch.Tensor, DynamicCache | None]:
        """Final hidden states `[batch, seq, hidden]` and the cache; see the protocol."""
        use_cache = cache is not None
        with self._layers.applied():
            outputs = self.model.model(
                inputs_embeds=embeddings, attention_mask=mask, past_key_values=cache, use_cache=use_cache
            )
        return outputs.last_hidden_state, outputs.past_key_values if use_cache else None

    def new_cache(self) -> DynamicCache:
        """An empty key/value cache for `forward`."""
        return DynamicCache(config=self.model.config)

    def select_cache_rows(self, cache: DynamicCache, rows: Sequence[int]) -> DynamicCache:
        """The sequences `rows` of a cache, each as often as it is named; gradients flow back to it."""
        chosen = self.new_cache()
        index = torch.tensor(list(rows), device=self.device)
        for number, layer in enumerate(cache.layers):
            parts = (layer.keys, layer.values)
            if parts[0].shape[0] == 1:  # a view is enough
                keys, values = (part.expand(len(rows), -1, -1, -1) for part in parts)
            else:
                keys, values = (part.index_select(0, index) for part in parts)
            chosen.update(keys, values, number)
        return chosen

    def concatenate_caches(self, cache: DynamicCache, behind: DynamicCache, skipped: int = 0) -> DynamicCache:
        """All positions of `cache`, then those of `behind` but its first `skipped`; gradients flow back to both."""
        joined = self.new_cache()
        for number, (one, other) in enumerate(zip(cache.layers, behind.layers, strict=True)):
            joined.update(
                torch.cat([one.keys, other.keys[:, :, skipped:]], dim=2),
                torch.cat([one.values, other.values[:, :, skipped:]], dim=2),
                number,
            )
        return joined

    def keys_values_at(self, cache: DynamicCache, positions: Sequence[int], layers: int) -> torch.Tensor:
        """See `Backbone`: `[layers, 2, positions, kv_heads * head_dim]`."""
        return torch.stack(
            [
                torch.stack([part[0, :, list(positions)].transpose(0, 1).flatten(1) for part in parts])
                for parts in ((layer.keys, layer.values) for layer in cache.layers[:layers])
            ]
        )

    def add_cache_offsets(
        self, cache: DynamicCache, positions: Sequence[int], offsets: torch.Tensor
    ) -> DynamicCache:
        """See `Backbone`; gradients reach `cache` and `offsets`."""
        result = self.new_cache()
        index = torch.tensor(list(positions), device=self.device)
        for number, layer in enumerate(cache.layers):
            parts = [layer.keys, layer.values]
            if number < len(offsets):
                # From `[positions, heads * dim]` to `[1, heads, positions, dim]`, the layout of the cache.
                of_layer = offsets[number].unflatten(2, (self.spec.kv_heads, -1)).transpose(1, 2)[:, None]
                parts = [
                    part.index_add(2, index, added.to(part))
                    for part, added in zip(parts, of_layer, strict=True)
                ]
            result.update(parts[0], parts[1], number)
        return result

    def text_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[..., text_vocabulary]`; ids that are image codes are masked out."""
        logits = self.model.lm_head(hidden)
        return logits.masked_fill(self._image_mask, torch.finfo(logits.dtype).min)

    def image_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[..., codebook_size]`; only the image columns of the head are computed."""
        return functional.linear(hidden, self.model.lm_head.weight[self.image_ids])

    def name_prior(self) -> torch.Tensor:
        """The mean embedding `[hidden]` of the vocabulary's free tokens; of all text tokens if none is free."""
        ids = list(self.spec.free_ids) or torch.nonzero(~self._image_mask).flatten().tolist()
        return self.embed_text(torch.tensor(ids)).float().mean(dim=0)

    def output_scale(self) -> float:
        """Root mean square of the head's text rows."""
        return float(self.model.lm_head.weight[~self._image_mask].float().pow(2).mean().sqrt())
