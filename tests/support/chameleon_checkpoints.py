"""Writes tiny random checkpoints: one by the pocket recipe, one in the layout of the published 7B checkpoints."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import ChameleonConfig, ChameleonForConditionalGeneration, ChameleonVQVAEConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from personalizer.backbones.pixel_decoder import DecoderGeometry, PixelDecoder
from scripts.pocket.config import PocketConfig
from scripts.pocket.data.vocabulary import train_vocabulary
from scripts.pocket.model.checkpoint import chameleon_config, write_checkpoint
from scripts.pocket.model.image_tokenizer import ImageTokenizer

SMALL = PocketConfig(
    image_size_px=16,
    levels=(4, 4, 2),
    semantic_features=6,
    latent_channels=32,
    encoder_multipliers=(1, 1, 1),
    decoder_multipliers=(1, 1, 1),
    text_vocabulary=300,
    reserved=4,
    hidden=32,
    intermediate=64,
    layers=2,
    heads=2,
    max_positions=256,
)
"""16 px, 4 × 4 codes of 32."""
WORDS = ["is {name} in this photo?", "what is in this photo?", "a photo of a red cup.", "yes.", "no."]


def spread(module: torch.nn.Module) -> None:
    """Fresh weights make everything nearly uniform; wider ones let different inputs give different outputs."""
    for name, parameter in module.named_parameters():
        if "proj" in name or "lm_head" in name or "embed_tokens" in name:
            torch.nn.init.normal_(parameter, std=0.2)
        elif "conv" in name and parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)


def write_pocket_like(directory: Path, config: PocketConfig = SMALL) -> ImageTokenizer:
    """By the pocket recipe's own writer; returns the image tokenizer as it trained, in the precision stored."""
    torch.manual_seed(1)
    tokenizer = train_vocabulary(WORDS, config)
    image_tokenizer = ImageTokenizer(config).eval()
    spread(image_tokenizer)
    with torch.no_grad():
        # Latents over the whole lattice and beyond, on pictures of noise.
        image_tokenizer.quant_conv.weight.mul_(0.4)
        for parameter in image_tokenizer.parameters():
            parameter.copy_(parameter.half().float())
    model = ChameleonForConditionalGeneration(chameleon_config(config, tokenizer))
    spread(model)
    write_checkpoint(directory, model, image_tokenizer, tokenizer, config)
    return image_tokenizer


CODES = 48


def write_published_layout(directory: Path) -> None:
    """Three shards with an index, grouped queries, image tokens in another order than codes, attention in the decoder.

    The order of the special tokens is that of Chameleon's tokenizer.
    """
    torch.manual_seed(2)
    directory.mkdir(parents=True)
    shuffled = torch.randperm(CODES).tolist()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    special += ["IMGIMG" + "".join("ABCDEFGHIJ"[int(d)] for d in str(code)) + "Z" for code in shuffled]
    special += [
        "<eoss>",
        "<racm3:break>",
        *(f"<reserved{index:05d}>" for index in range(8698, 8710)),
        "<image>",
    ]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + 300,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.save(str(directory / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab()
    vq = ChameleonVQVAEConfig(
        embed_dim=8,
        num_embeddings=CODES,
        latent_channels=32,
        resolution=16,
        base_channels=32,
        channel_multiplier=[1, 2],
        num_res_blocks=2,
        attn_type="vanilla",
    )
    config = ChameleonConfig(
        vocab_size=len(vocabulary),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        vq_config=vq.to_dict(),
        vocabulary_map=vocabulary,
    )
    model = ChameleonForConditionalGeneration(config)
    spread(model)
    with torch.no_grad():
        vqmodel = model.model.vqmodel
        pixels = torch.rand(4, 3, 16, 16) * 2 - 1
        latents = vqmodel.quant_conv(vqmodel.encoder(pixels)).permute(0, 2, 3, 1).reshape(-1, 8)
        vqmodel.quantize.embedding.weight.copy_(latents[torch.randperm(len(latents))[:CODES]])
    geometry = DecoderGeometry(32, (32, 96), blocks=3, attention=(False, True))
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    decoder = PixelDecoder(geometry)
    spread(decoder)
    tensors |= {f"model.vqmodel.decoder.{key}": value for key, value in decoder.state_dict().items()}
    names = sorted(tensors)
    index = {}
    for shard in range(3):
        file = f"model-{shard + 1:05d}-of-00003.safetensors"
        part = {name: tensors[name] for name in names[shard::3]}
        save_file(part, directory / file, metadata={"format": "pt"})
        index |= dict.fromkeys(part, file)
    size = sum(value.numel() * 4 for value in tensors.values())
    (directory / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": size}, "weight_map": index})
    )
    entries = config.to_dict() | {"architectures": ["ChameleonForConditionalGeneration"]}
    (directory / "config.json").write_text(json.dumps(entries, default=str))
    scaling = {
        "crop_size": {"height": 16, "width": 16},
        "do_center_crop": True,
        "image_mean": [1.0, 1.0, 1.0],
        "image_std": [1.0, 1.0, 1.0],
        "rescale_factor": 0.0078,
        "size": {"shortest_edge": 16},
    }
    (directory / "preprocessor_config.json").write_text(json.dumps(scaling))
