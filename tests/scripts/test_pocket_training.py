"""The recipe's commands: sizes, checkpoints that do not fit, and training that is killed and goes on."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from waiting import until

from assistant.evaluation.data.corpora import Record, with_article
from personalizer.errors import CorruptArtifactError, NotFoundError, UsageError
from personalizer.recognition.picture_bank import BANK_FILE
from scripts.pocket.config import SIZES, PocketConfig, read_size
from scripts.pocket.data.encode_corpus import FEATURE_STEP, Tokens, read_features, read_tokens, write_tokens
from scripts.pocket.data.vocabulary import read_vocabulary, train_vocabulary
from scripts.pocket.model.image_tokenizer import ImageTokenizer
from scripts.pocket.model.muon import Muon, orthogonal
from scripts.pocket.train_language_model import fitting, vocabulary_of
from scripts.pocket.training import Checkpoint, read_state

REPOSITORY = Path(__file__).resolve().parents[2]
TINY = """
image_size_px = 16
levels = [4, 3]
latent_channels = 32
encoder_multipliers = [1, 1, 1]
decoder_multipliers = [1, 1, 1]
semantic_features = 5
text_vocabulary = 300
reserved = 6
hidden = 32
intermediate = 48
layers = 2
heads = 2
image_steps = 6
image_batch = 2
decoder_steps = 6
language_steps = 6
drawn = 2
read = 2
compared = 1
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


# --- sizes and files that do not fit -----------------------------------------------------------------------------


def test_every_size_that_ships_can_be_read() -> None:
    sizes = {file.stem: read_size(file.stem) for file in SIZES.glob("*.toml")}
    assert {"cpu", "gpu"} <= set(sizes)
    for config in sizes.values():
        assert config.tokens_per_image <= 144 and 64 <= config.image_size_px <= 128
        assert config.hidden % config.heads == 0
    # Codes made with the one's image tokenizer are what the other trains on.
    assert sizes["cpu"].levels == sizes["gpu"].levels


@pytest.mark.parametrize(
    ("text", "found"),
    [("layer = 3", "no entry 'layer'"), ("layers = 'six'", "layers is 'six'"), ("layers =", "Invalid value")],
)
def test_a_wrong_size_names_file_and_entry(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(str(path)) + ".*" + found):
        read_size(str(path))
    with pytest.raises(UsageError, match=r"enormous.*cpu, gpu"):
        read_size("enormous")


def test_a_state_of_another_size_or_a_damaged_one_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "language_model.pt"
    two = PocketConfig(layers=2).language_architecture()
    Checkpoint(path, two).save({"step": 3, "spent_s": 1.0})
    assert read_state(path, PocketConfig(layers=2, language_steps=7).language_architecture())["step"] == 3
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path)) + ".*layers is 2, not 4"):
        Checkpoint(path, PocketConfig(layers=4).language_architecture()).load()
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path)) + ".*damaged"):
        Checkpoint(path, two).load()
    path.unlink()
    assert Checkpoint(path, two).load() is None, "it begins anew"
    with pytest.raises(NotFoundError, match=re.escape(str(path)) + ".*no such file"):
        read_state(path, two)


def test_sizes_share_an_image_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "image_tokenizer.pt"
    Checkpoint(path, read_size("cpu").image_architecture()).save({"step": 1, "spent_s": 1.0})
    assert read_state(path, read_size("gpu").image_architecture())["step"] == 1
    with pytest.raises(CorruptArtifactError, match="encoder_base is 32, not 64"):
        read_state(path, PocketConfig(encoder_base=64).image_architecture())


def corpus_records(count: int, held_out: int) -> list[Record]:
    found = []
    for number in range(count):
        label = ["cup", "dog", "apple"][number % 3]
        subject = f"render:{number // 2}" if number % 3 == 0 else None
        kind = ["render", "photo", "clip art"][number % 3]
        asked = [["Is it red?", "no"]] if number % 4 == 0 else []
        caption = f"{with_article(label)}."
        found.append(Record("test", kind, label, caption, subject, number < held_out, asked))
    return found


def tiny_tokens(path: Path, count: int = 40) -> Path:
    random = np.random.default_rng(0)
    codes = random.integers(0, 12, (count, 2, 16)).astype(np.int16)
    write_tokens(path, Tokens(codes, random.normal(size=(count, 5)), corpus_records(count, 20), "abc"))
    return path


def test_encoded_corpora_come_back_and_others_are_refused_by_name(tmp_path: Path, tiny: Path) -> None:
    path = tiny_tokens(tmp_path / "tokens.npz")
    tokens = read_tokens(path, read_size(str(tiny)))
    assert tokens.codes.shape == (40, 2, 16) and tokens.records == corpus_records(40, 20)
    assert tokens.image_tokenizer == "abc"
    expected = np.random.default_rng(0)
    expected.integers(0, 12, (40, 2, 16))
    assert np.abs(tokens.features - expected.normal(size=(40, 5))).max() <= FEATURE_STEP / 2 + 1e-6
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path)) + ".*64 codes a picture"):
        read_tokens(path, PocketConfig())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path)) + ".*damaged"):
        read_tokens(path, read_size(str(tiny)))


def test_features_of_other_pictures_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "features.npy"
    np.save(path, np.zeros((7, 5), np.float32))
    assert read_features(tmp_path, 7, 3).shape == (7, 3)
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path)) + ".*8 pictures need 5"):
        read_features(tmp_path, 8, 5)
    with pytest.raises(CorruptArtifactError, match="7 pictures need 6"):
        read_features(tmp_path, 7, 6)
    path.write_bytes(b"")
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path))):
        read_features(tmp_path, 7, 5)


def test_a_vocabulary_of_another_size_is_refused_by_name(tmp_path: Path, tiny: Path) -> None:
    config, path = read_size(str(tiny)), tmp_path / "tokenizer.json"
    first = vocabulary_of(corpus_records(40, 0), path, config)
    assert vocabulary_of([], path, config).get_vocab() == first.get_vocab(), "it is made once"
    other = train_vocabulary(["quite other words"], config)
    codes = "of some tokenizer"
    assert fitting(config, codes, first) != fitting(config, codes, other), "a state fits one vocabulary"
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path)) + ".*special tokens"):
        read_vocabulary(path, PocketConfig())
    path.write_text("{")
    with pytest.raises(CorruptArtifactError, match=re.escape(str(path)) + ".*damaged"):
        read_vocabulary(path, config)


def test_codes_identify_their_tokenizer_and_a_new_decoder_keeps_them(tiny: Path) -> None:
    model = ImageTokenizer(read_size(str(tiny)))
    before = model.identity()
    with torch.no_grad():
        for parameter in (*model.decoder.parameters(), *model.semantic_head.parameters()):
            parameter.add_(1.0)
    assert model.identity() == before
    with torch.no_grad():
        model.quant_conv.bias.add_(1e-4)
    assert model.identity() != before


# --- the optimiser -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (8, 24)])
def test_directions_are_made_orthogonal_and_keep_their_singular_vectors(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(3, *shape)
    result = orthogonal(matrices)
    assert result.shape == matrices.shape
    values = torch.linalg.svdvals(result)
    assert values.min() > 0.5 and values.max() < 1.4
    for before, after in zip(matrices, result, strict=True):
        left, _, right = torch.linalg.svd(before, full_matrices=False)
        # In the basis of its own singular vectors the result is diagonal.
        inner = left.T @ after @ right.T
        assert (inner - torch.diag(inner.diagonal())).abs().max() < 0.02


def test_muon_finds_the_minimum_and_resumes_exactly() -> None:
    torch.manual_seed(0)
    target = torch.randn(6, 4)

    def run(parameter: torch.nn.Parameter, optimizer: Muon, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            ((parameter - target) ** 2).sum().backward()
            optimizer.step()

    whole = torch.nn.Parameter(torch.zeros(6, 4))
    optimizer = Muon([whole], lr=0.1, weight_decay=0.0)
    run(whole, optimizer, 50)
    halfway = torch.nn.Parameter(whole.detach().clone())
    state = copy.deepcopy(optimizer.state_dict())
    run(whole, optimizer, 50)
    resumed = Muon([halfway], lr=0.1, weight_decay=0.0)
    resumed.load_state_dict(state)
    run(halfway, resumed, 50)
    assert torch.equal(whole, halfway)
    assert (whole - target).abs().mean() < 0.25 * target.abs().mean()


# --- training, killed and resumed --------------------------------------------------------------------------------


def start(
    module: str, *arguments: object, save_every_s: float = 1e9, threads: int | None = 1
) -> subprocess.Popen[str]:
    program = (
        f"import scripts.pocket.training as t; t.SAVE_EVERY_S = {save_every_s}; t.REPORT_EVERY = 1; "
        f"import scripts.pocket.{module} as m; from scripts.pocket.command import run; run(m.main)"
    )
    limit = [] if threads is None else ["--threads", str(threads)]
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, arguments), *limit],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def losses_of(printed: str) -> dict[int, str]:
    """What every step reported, without its times."""
    found = re.findall(r"^step (\d+) minutes [\d.]+ (.*?) [\d.]+ s/step", printed, re.MULTILINE)
    return {int(step): values for step, values in found}


def held_out_of(printed: str) -> list[str]:
    return re.findall(r"^held out: (.*)$", printed, re.MULTILINE)


def killed_then_resumed(module: str, name: str, out: Path, *arguments: object) -> None:
    """Killed after its first checkpoint, it goes on to the very same losses and weights as one left alone."""
    alone = start(module, *arguments, "--out", out / "alone")
    printed = alone.communicate(timeout=900)[0]
    assert alone.returncode == 0, printed
    expected = losses_of(printed)
    assert len(expected) == 6, printed
    (tested,) = held_out_of(printed)
    checkpoint = out / "killed" / name
    first = start(module, *arguments, "--out", out / "killed", save_every_s=0.0)
    until(lambda: checkpoint.exists() or first.poll() is not None, patience_s=900)
    os.kill(first.pid, signal.SIGKILL)
    printed = first.communicate()[0]
    assert checkpoint.exists(), printed
    step = int(torch.load(checkpoint, weights_only=True)["step"])
    assert 1 <= step < 6, "it was over before the kill: nothing would be resumed"
    second = start(module, *arguments, "--out", out / "killed")
    printed = second.communicate(timeout=900)[0]
    assert second.returncode == 0, printed
    assert f"resumed at step {step}," in printed
    assert losses_of(printed) == {number: expected[number] for number in range(step + 1, 7)}
    assert held_out_of(printed)[-1] == tested
    states = [torch.load(out / run / name, weights_only=True) for run in ("alone", "killed")]
    for part in {"model", "average"} & set(states[0]):
        assert all(torch.equal(states[0][part][key], states[1][part][key]) for key in states[0][part]), part
    third = start(module, *arguments, "--out", out / "killed")
    assert "nothing is left to do" in third.communicate(timeout=900)[0] and third.returncode == 0


@pytest.mark.slow
def test_an_image_tokenizer_goes_on_to_the_same_loss_curve_and_encodes(tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    random = np.random.default_rng(0)
    np.save(folder / "images.npy", random.integers(0, 256, (40, 24, 24, 3), dtype=np.uint8))
    np.save(folder / "features.npy", random.normal(size=(40, 5)).astype(np.float32))
    lines = [json.dumps(vars(record)) for record in corpus_records(40, 20)]
    (folder / "records.jsonl").write_text("\n".join(lines))
    basis = tmp_path / "basis.npz"
    np.savez(basis, mean=np.zeros(1280), axes=np.eye(5, 1280), scale=0.5)
    fixed = ("--corpus", folder, "--basis", basis, "--size", tiny)
    killed_then_resumed("train_image_tokenizer", "image_tokenizer.pt", tmp_path, *fixed)
    tokens = tmp_path / "tokens.npz"
    trained = tmp_path / "alone" / "image_tokenizer.pt"
    bank = tmp_path / "checkpoint" / BANK_FILE
    bank.parent.mkdir()
    bank.write_bytes(b"codes of another tokenizer")
    source = ("--corpus", folder, "--tokenizer", trained, "--features", 5)
    encode = start("data.encode_corpus", *source, "--out", tokens, "--size", tiny)
    printed = encode.communicate(timeout=900)[0]
    assert encode.returncode == 0, printed
    encoded = read_tokens(tokens, read_size(str(tiny)))
    assert encoded.codes.shape == (40, 3, 16) and encoded.features.shape == (40, 5)
    assert len(encoded.records) == 40
    # New codes would make a language model worthless; a decoder alone can be trained on.
    tuned = tmp_path / "tuned"
    killed_then_resumed("train_decoder", "image_tokenizer.pt", tuned, *fixed, "--start", trained)
    before, after = (
        torch.load(file, weights_only=True)["average"]
        for file in (trained, tuned / "alone" / "image_tokenizer.pt")
    )
    changed = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"decoder", "post_quant_conv"}
    # What was trained on these codes fits the new decoder, and no other tokenizer.
    learned = tmp_path / "learned"
    steps = start("train_language_model", "--tokens", tokens, "--size", tiny, "--out", learned)
    assert steps.wait(timeout=900) == 0
    parts = ("--lm", learned, "--size", tiny, "--out", tmp_path / "checkpoint")
    fitting = start("assemble", "--vq", tuned / "alone", *parts, threads=None)
    assert fitting.wait(timeout=900) == 0, fitting.communicate()[0]
    assert (tmp_path / "checkpoint" / "model.safetensors").exists() and not bank.exists()
    # A written checkpoint can be encoded with and its language model trained on; the image tokenizer stays as it is.
    written, again = tmp_path / "checkpoint", tmp_path / "again"
    more, further = tmp_path / "more.npz", tmp_path / "further"
    source = ("--corpus", folder, "--checkpoint", written, "--features", 0)
    for module, arguments in (
        ("data.encode_corpus", (*source, "--out", more)),
        ("train_language_model", ("--tokens", more, "--start", written, "--out", further)),
        ("assemble", ("--start", written, "--lm", further, "--out", again)),
    ):
        threads = None if module == "assemble" else 1
        ran = start(module, *arguments, "--size", tiny, threads=threads)
        printed = ran.communicate(timeout=900)[0]
        assert ran.returncode == 0, printed
    # Weights are written in half precision, which moves a code here and there.
    same = read_tokens(more, read_size(str(tiny))).codes[:, 0] == encoded.codes[:, 0]
    assert same.mean() > 0.9
    then, now = (load_file(made / "model.safetensors") for made in (written, again))
    moved = {key.startswith("model.vqmodel.") for key in then if not torch.equal(then[key], now[key])}
    assert moved == {False}, "the language model and nothing else has learned"
    # A decoder's state lies under the same name and is not to be gone on with.
    mixed = start("train_image_tokenizer", *fixed, "--out", tuned / "alone")
    printed = mixed.communicate(timeout=900)[0]
    assert mixed.returncode == 1 and "does not fit: codes_of" in printed and "Traceback" not in printed
    other = start("train_image_tokenizer", *fixed, "--start", trained, "--out", tmp_path / "other")
    assert other.wait(timeout=900) == 0
    refused = start("assemble", "--vq", tmp_path / "other", *parts, threads=None)
    printed = refused.communicate(timeout=900)[0]
    assert refused.returncode == 1 and "image_tokenizer is" in printed, printed


@pytest.mark.slow
def test_a_language_model_goes_on_to_the_same_loss_curve(tmp_path: Path, tiny: Path) -> None:
    tokens = tiny_tokens(tmp_path / "tokens.npz")
    fixed = ("--tokens", tokens, "--size", tiny)
    killed_then_resumed("train_language_model", "language_model.pt", tmp_path, *fixed)


@pytest.mark.slow
def test_training_stops_after_its_minutes_and_errors_are_one_line(tmp_path: Path, tiny: Path) -> None:
    tokens = tiny_tokens(tmp_path / "tokens.npz")
    fixed = ("--tokens", tokens, "--size", tiny, "--out", tmp_path / "out")
    first = start("train_language_model", *fixed, "--minutes", 1e-6)
    printed = first.communicate(timeout=900)[0]
    assert first.returncode == 0 and list(losses_of(printed)) == [1], printed
    tokens.write_bytes(b"not an archive")
    second = start("train_language_model", *fixed)
    printed = second.communicate(timeout=900)[0]
    assert second.returncode == 1 and str(tokens) in printed and "Traceback" not in printed
