from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import chameleon_checkpoints as checkpoints
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from personalizer.backbones.chameleon import ChameleonBackbone, checkpoint_version
from personalizer.backbones.registry import backbone_directory, load_backbone
from personalizer.errors import CorruptArtifactError, FamiliarError, NotFoundError, NotReadyError


def noise(count: int, size: tuple[int, int] = (16, 16), seed: int = 0) -> list[Image.Image]:
    rng = np.random.default_rng(seed)
    return [
        Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)) for _ in range(count)
    ]


@pytest.fixture(scope="module")
def loaded(published: Path) -> ChameleonBackbone:
    return load_backbone(str(published), "cpu")


@pytest.fixture(scope="module")
def pocket_tiny(pocket_like: Path) -> ChameleonBackbone:
    return load_backbone(str(pocket_like), "cpu")


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "copy"))


def test_bundled_pocket_model_loads_and_has_the_promised_sizes() -> None:
    backbone = load_backbone("pocket", "cpu")
    spec = backbone.spec
    assert (spec.name, spec.family, spec.image_size_px) == ("pocket", "chameleon", 64)
    assert spec.tokens_per_image == spec.context_tokens_per_image == 64
    assert spec.codebook_size == 8 * 6 * 5 * 4 * 4
    # The longest sequence in training: the personal prompt and a picture, and 16 rows before another picture.
    assert spec.max_positions >= 1 + 33 + 16 + 2 * 64
    codes = backbone.encode_images(noise(2, (90, 70)))
    assert codes.shape == (2, 64)
    assert torch.equal(codes, backbone.encode_images(noise(2, (90, 70))))
    assert [picture.size for picture in backbone.decode_images(codes)] == [(64, 64)] * 2


def test_spec_is_read_from_the_checkpoint(loaded: ChameleonBackbone, published: Path) -> None:
    vocabulary = json.loads((published / "config.json").read_text())["vocabulary_map"]
    spec = loaded.spec
    assert (spec.hidden_size, spec.layers, spec.kv_heads, spec.head_dim) == (64, 3, 2, 16)
    assert (spec.image_size_px, spec.tokens_per_image, spec.codebook_size) == (16, 64, 48)
    assert spec.text_vocabulary == len(vocabulary) and spec.max_positions == 512
    assert spec.begin_ids == (0,) and spec.end_id == 2
    assert spec.begin_image_ids == (vocabulary["<racm3:break>"],)
    assert spec.end_image_ids == (vocabulary["<eoss>"],)
    assert spec.separator_ids == (vocabulary["<reserved08706>"],)
    assert spec.name == "published"


def test_everything_is_frozen(loaded: ChameleonBackbone) -> None:
    parameters = [*loaded.model.parameters(), *loaded.pixel_decoder.parameters()]
    assert not any(parameter.requires_grad for parameter in parameters)
    assert not loaded.model.training


def test_codes_map_to_tokens_by_name_not_by_order(loaded: ChameleonBackbone, published: Path) -> None:
    vocabulary = json.loads((published / "config.json").read_text())["vocabulary_map"]
    for code in (0, 7, 10, 47):
        name = "IMGIMG" + "".join("ABCDEFGHIJ"[int(digit)] for digit in str(code)) + "Z"
        expected = loaded.embed_text(torch.tensor(vocabulary[name]))
        assert torch.equal(loaded.embed_image_codes(torch.tensor(code)), expected)


def test_stored_codebook_gives_the_ids_of_the_training_time_lattice(tmp_path: Path) -> None:
    tokenizer = checkpoints.write_pocket_like(tmp_path / "checkpoint")
    backbone = load_backbone(str(tmp_path / "checkpoint"), "cpu")
    vq = backbone.model.model.vqmodel
    latents = torch.randn(4, 3, 9, 9, generator=torch.Generator().manual_seed(0)) * 1.5
    _, _, stored = vq.quantize(latents)
    assert torch.equal(stored.view(4, -1), tokenizer.ids(tokenizer.quantise(latents)))
    assert len(torch.unique(stored)) == 32

    images = noise(6)
    pixels = torch.from_numpy(np.stack([backbone.scaling.pixels(image) for image in images]))
    with torch.no_grad():
        quantised = tokenizer.encode(pixels)
        codes = backbone.encode_images(images)
        assert torch.equal(codes, tokenizer.ids(quantised))
        assert len(torch.unique(codes)) > 8, "the comparison needs pictures with different codes"
        drawn = tokenizer.decode(quantised)
        torch.testing.assert_close(backbone.decode_pixels(codes), drawn, atol=1e-4, rtol=1e-4)


def test_every_code_is_its_own_nearest_neighbour(pocket_tiny: ChameleonBackbone) -> None:
    quantizer = pocket_tiny.model.model.vqmodel.quantize
    points = quantizer.embedding.weight.T.reshape(1, 3, 1, 32)
    assert quantizer(points)[2].tolist() == list(range(32))


def test_encoding_is_deterministic_and_independent_of_the_batch(loaded: ChameleonBackbone) -> None:
    images = noise(35, (30, 20))
    codes = loaded.encode_images(images)
    assert codes.shape == (35, 64) and codes.dtype == torch.int64
    assert int(codes.min()) >= 0 and int(codes.max()) < loaded.spec.codebook_size
    assert torch.equal(codes, loaded.encode_images(images))
    assert torch.equal(codes[34:], loaded.encode_images(images[34:]))
    assert len(torch.unique(codes, dim=0)) == 35


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
def test_pictures_of_any_mode_are_read(loaded: ChameleonBackbone, mode: str) -> None:
    assert loaded.encode_images([noise(1)[0].convert(mode)]).shape == (1, 64)


def test_decoding_gives_pictures_of_the_size_and_is_deterministic(loaded: ChameleonBackbone) -> None:
    codes = torch.randint(0, 48, (33, 64), generator=torch.Generator().manual_seed(3))
    pictures = loaded.decode_images(codes)
    assert len(pictures) == 33
    assert {(picture.size, picture.mode) for picture in pictures} == {((16, 16), "RGB")}
    again = loaded.decode_images(codes[32:])[0]
    assert again.tobytes() == pictures[32].tobytes()
    assert pictures[0].tobytes() != pictures[1].tobytes()


def test_the_model_reads_what_it_writes(loaded: ChameleonBackbone) -> None:
    images = noise(2)
    assert loaded.reads_own_codes
    context = loaded.image_context(images)
    assert context.shape == (2, 64, 64)
    assert torch.equal(context, loaded.embed_image_codes(loaded.encode_images(images)))


def test_text_survives_and_never_becomes_a_special_token(loaded: ChameleonBackbone) -> None:
    text = "is Zoë's <cup> in this photo?"
    assert loaded.detokenize(loaded.tokenize(text)) == text
    assert loaded.tokenize("") == []
    spec = loaded.spec
    special = {*spec.begin_ids, *spec.begin_image_ids, *spec.end_image_ids, *spec.separator_ids, spec.end_id}
    for words in ("</s>", "<racm3:break>", "<reserved08706>", "IMGIMGBZ"):
        ids = loaded.tokenize(words)
        assert not special & set(ids)
        assert len(ids) > 1
        assert loaded.detokenize(ids) == words
    assert loaded.detokenize([*spec.begin_ids, *loaded.tokenize("a cup"), spec.end_id]) == "a cup"


def test_text_logits_mask_image_ids_and_image_logits_are_the_heads_columns(loaded: ChameleonBackbone) -> None:
    hidden = torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(1))
    whole = loaded.model.lm_head(hidden)
    mapping = loaded.model.model.vocabulary_mapping.img2bpe
    image_ids = [mapping[code] for code in range(48)]
    text = loaded.text_logits(hidden)
    assert text.shape == (2, 3, loaded.spec.text_vocabulary)
    assert float(text.softmax(-1)[..., image_ids].max()) == 0.0
    others = [index for index in range(whole.shape[-1]) if index not in set(image_ids)]
    assert torch.equal(text[..., others], whole[..., others])
    codes = loaded.image_logits(hidden)
    assert codes.shape == (2, 3, 48)
    torch.testing.assert_close(codes, whole[..., image_ids])


def test_padding_and_caching_do_not_change_hidden_states(loaded: ChameleonBackbone) -> None:
    ids = torch.tensor([loaded.tokenize("what is in this photo?")])
    embeddings = loaded.embed_text(ids)
    with torch.no_grad():
        alone, no_cache = loaded.forward(embeddings)
        assert no_cache is None
        padded = torch.cat([embeddings, torch.randn(1, 5, 64)], dim=1)
        mask = torch.tensor([[1] * ids.shape[1] + [0] * 5])
        torch.testing.assert_close(
            loaded.forward(padded, mask)[0][:, : ids.shape[1]], alone, atol=1e-5, rtol=1e-4
        )
        cache = loaded.new_cache()
        pieces = []
        for part in embeddings.split(2, dim=1):
            hidden, cache = loaded.forward(part, cache=cache)
            pieces.append(hidden)
        torch.testing.assert_close(torch.cat(pieces, dim=1), alone, atol=1e-5, rtol=1e-4)


def test_new_names_start_like_free_rows(loaded: ChameleonBackbone, published: Path) -> None:
    vocabulary = json.loads((published / "config.json").read_text())["vocabulary_map"]
    free = [i for name, i in vocabulary.items() if name.startswith("<reserved") and name != "<reserved08706>"]
    torch.testing.assert_close(loaded.name_prior(), loaded.embed_text(torch.tensor(free)).mean(dim=0))
    assert 0.1 < loaded.output_scale() < 0.4


def test_version_follows_content_not_place(published: Path, copy: Path) -> None:
    assert checkpoint_version(copy) == checkpoint_version(published)
    scaling = copy / "preprocessor_config.json"
    scaling.write_text(scaling.read_text().replace("0.0078", "0.0079"))
    other_pixels = checkpoint_version(copy)
    assert other_pixels != checkpoint_version(published), "other pixels mean other codes"
    shard = copy / "model-00002-of-00003.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    assert checkpoint_version(copy) != other_pixels


def remove_tensors(folder: Path, prefix: str) -> None:
    for file in folder.glob("*.safetensors"):
        tensors = load_file(file)
        save_file(
            {n: t for n, t in tensors.items() if not n.startswith(prefix)}, file, metadata={"format": "pt"}
        )
    index = folder / "model.safetensors.index.json"
    entries = json.loads(index.read_text())
    entries["weight_map"] = {n: f for n, f in entries["weight_map"].items() if not n.startswith(prefix)}
    index.write_text(json.dumps(entries))


def truncate(folder: Path) -> None:
    file = folder / "model-00001-of-00003.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def edit_config(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def pickled_only(folder: Path) -> None:
    for file in folder.glob("*.safetensors*"):
        file.unlink()
    torch.save({"lm_head.weight": torch.zeros(2)}, folder / "pytorch_model.bin")


DAMAGE: dict[str, tuple[Callable[[Path], object], type[FamiliarError], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), NotReadyError, "config.json"),
    "config no JSON": (lambda f: (f / "config.json").write_text("{"), NotReadyError, "config.json"),
    "config a list": (lambda f: (f / "config.json").write_text("[]"), NotReadyError, "config.json"),
    "config binary": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe{"), NotReadyError, "config.json"),
    "another family": (
        lambda f: edit_config(f, lambda c: c.update(model_type="llama")),
        NotReadyError,
        "'llama' is not supported",
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), NotReadyError, "tokenizer.json is missing"),
    "damaged tokenizer": (
        lambda f: (f / "tokenizer.json").write_text("{}"),
        CorruptArtifactError,
        "loading a Chameleon checkpoint",
    ),
    "pickled weights only": (pickled_only, NotReadyError, r"a \*.safetensors file is missing"),
    "truncated shard": (truncate, CorruptArtifactError, "loading a Chameleon checkpoint"),
    "missing shard": (
        lambda f: (f / "model-00003-of-00003.safetensors").unlink(),
        CorruptArtifactError,
        "00003-of-00003",
    ),
    "no decoder": (
        lambda f: remove_tensors(f, "model.vqmodel.decoder."),
        CorruptArtifactError,
        "no decoder.conv_in",
    ),
    "half a decoder": (
        lambda f: remove_tensors(f, "model.vqmodel.decoder.mid.block_2"),
        CorruptArtifactError,
        "loading a Chameleon checkpoint",
    ),
    "no head": (lambda f: remove_tensors(f, "lm_head"), CorruptArtifactError, "lm_head.weight"),
    "no separator": (
        lambda f: edit_config(f, lambda c: c["vocabulary_map"].pop("<reserved08706>")),
        CorruptArtifactError,
        "no token <reserved08706>",
    ),
    "no vocabulary": (
        lambda f: edit_config(f, lambda c: c.pop("vocabulary_map")),
        CorruptArtifactError,
        "loading a Chameleon checkpoint|reading the vocabulary",
    ),
    "other sizes": (
        lambda f: edit_config(f, lambda c: c.update(hidden_size=128)),
        CorruptArtifactError,
        "loading a Chameleon checkpoint",
    ),
    "damaged preprocessing": (
        lambda f: (f / "preprocessor_config.json").write_text('{"crop_size": {}}'),
        CorruptArtifactError,
        "preprocessor_config.json",
    ),
    "other crop": (
        lambda f: (f / "preprocessor_config.json").write_text('{"crop_size": 32}'),
        CorruptArtifactError,
        "32 px",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_checkpoints_say_what_is_wrong(copy: Path, damage: str) -> None:
    change, error, words = DAMAGE[damage]
    change(copy)
    with pytest.raises(error, match=words) as raised:
        load_backbone(str(copy), "cpu")
    assert raised.value.fix


def test_missing_backbones_say_what_to_give(tmp_path: Path) -> None:
    for name in (str(tmp_path / "nowhere"), "poket"):
        with pytest.raises(NotFoundError, match="neither"):
            backbone_directory(name)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(NotFoundError):
        load_backbone(str(file))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_missing_gpu_is_said(published: Path) -> None:
    with pytest.raises(NotReadyError, match="CUDA"):
        load_backbone(str(published), "cuda")
    assert load_backbone(str(published), "auto").device.type == "cpu"
