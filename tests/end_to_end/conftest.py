"""The installed command on drawn photos, with a tiny random checkpoint: the whole way in seconds.

The checkpoint has the bundled model's layout and knows nothing: what it says and draws is noise.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import ChameleonConfig, ChameleonForConditionalGeneration
from transformers.models.chameleon.configuration_chameleon import ChameleonVQVAEConfig
from waiting import until

from personalizer.backbones.pixel_decoder import DecoderGeometry, PixelDecoder

CODEBOOK = 64
SPECIAL = ["<pad>", "<s>", "</s>", "<image>", "<racm3:break>", "<eoss>", "<reserved08706>"]
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ?.,'")


def write_tiny_checkpoint(directory: Path, seed: int = 0) -> Path:
    """16 px pictures of 4×4 codes, two layers of width 64; about 2 MB."""
    torch.manual_seed(seed)
    directory.mkdir(parents=True)
    names = [*SPECIAL, *LETTERS, *(f"IMGIMG{_code_letters(code)}Z" for code in range(CODEBOOK))]
    vocabulary = {name: index for index, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.add_special_tokens([*SPECIAL, *names[-CODEBOOK:]])
    tokenizer.save(str(directory / "tokenizer.json"))
    vq = ChameleonVQVAEConfig(
        base_channels=32,
        channel_multiplier=[1, 1, 1],
        num_res_blocks=1,
        latent_channels=8,
        embed_dim=8,
        num_embeddings=CODEBOOK,
        resolution=16,
    )
    config = ChameleonConfig(
        vocab_size=len(names),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        vocabulary_map=vocabulary,
        vq_config=vq.to_dict(),
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = ChameleonForConditionalGeneration(config)
    for name, parameter in model.named_parameters():
        # Fresh weights give almost uniform predictions; wider ones make a difference visible.
        if "proj" in name or "lm_head" in name or "embed_tokens" in name:
            torch.nn.init.normal_(parameter, std=0.15)
    torch.nn.init.normal_(model.model.vqmodel.quantize.embedding.weight, std=0.2)
    model.save_pretrained(directory)
    geometry = DecoderGeometry(8, (32, 32, 32), blocks=2, attention=(False, False, False))
    decoder = PixelDecoder(geometry).state_dict()
    save_file(
        {f"model.vqmodel.decoder.{key}": value for key, value in decoder.items()},
        directory / "decoder.safetensors",
    )
    scaling = {"crop_size": 16, "rescale_factor": 1 / 127.5, "image_mean": [1.0], "image_std": [1.0]}
    (directory / "preprocessor_config.json").write_text(json.dumps(scaling))
    return directory


def _code_letters(code: int) -> str:
    return "".join(chr(ord("A") + int(digit)) for digit in str(code))


class Command:
    """`familiar` as a program, with one home and one backbone."""

    def __init__(self, home: Path, backbone: Path | str) -> None:
        self.home = home
        self.backbone = backbone

    def arguments(self, *arguments: str) -> list[str]:
        program = [sys.executable, "-c", "from tui.entry import main; main()"]
        return [*program, "--home", str(self.home), "--backbone", str(self.backbone), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*arguments), capture_output=True, text=True, timeout=600, check=False
        )

    def json(self, *arguments: str) -> Any:
        """The JSON document of a command that has to succeed."""
        done = self.run("--json", *arguments)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.worker_log()}"
        return json.loads(done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.arguments(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def worker_pid(self) -> int | None:
        pid: int | None = self.json("status")["worker"]["pid"]
        return pid

    def worker_log(self) -> str:
        log = self.home / "logs" / "worker.log"
        return log.read_text() if log.exists() else ""

    def wait_for(self, kind: str, state: str, patience_s: float = 900, done: int = 0) -> dict[str, Any]:
        """The newest job of this kind that has this state, once it did that many steps."""

        def newest() -> dict[str, Any] | None:
            jobs = [job for job in self.json("jobs") if (job["kind"], job["state"]) == (kind, state)]
            return dict(jobs[-1]) if jobs and jobs[-1]["done"] >= done else None

        try:
            found = until(newest, patience_s)
        except AssertionError as failed:
            raise AssertionError(
                f"no {kind} job became {state}: {self.json('jobs')}\n{self.worker_log()}"
            ) from failed
        assert found is not None
        return found

    def stop_worker(self) -> None:
        lock = self.home / "worker.lock"
        text = lock.read_text().strip() if lock.exists() else ""
        if text:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(text), signal.SIGKILL)


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("backbone") / "tiny")


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 drawn photos: eight of one striped thing in different places, sixteen of other things."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(8):
        striped_thing(number).save(folder / f"striped-{number}.jpg")
    for number in range(16):
        other_thing(number).save(folder / f"other-{number}.jpg")
    return folder


@pytest.fixture
def command(tmp_path: Path, tiny_backbone: Path) -> Iterator[Command]:
    made = Command(tmp_path / "home", tiny_backbone)
    yield made
    made.stop_worker()


def striped_thing(number: int) -> Image.Image:
    """A red and white striped ball somewhere on a coloured ground."""
    image = Image.new(
        "RGB", (320, 240), [(90, 140, 90), (60, 90, 160), (200, 190, 160), (40, 40, 50)][number % 4]
    )
    draw = ImageDraw.Draw(image)
    left, top, size = 30 + number * 17, 20 + number * 9 % 60, 120 + number * 5 % 40
    draw.ellipse((left, top, left + size, top + size), fill=(220, 30, 30))
    for stripe in range(0, size, 24):
        draw.line((left + stripe, top + 20, left + stripe, top + size - 20), fill="white", width=8)
    return image


def other_thing(number: int) -> Image.Image:
    """A rectangle, a triangle or lines, each time in another colour."""
    color = tuple((number * step) % 256 for step in (37, 91, 151))
    image = Image.new("RGB", (300 + number, 220), tuple(255 - channel // 2 for channel in color))
    draw = ImageDraw.Draw(image)
    if number % 3 == 0:
        draw.rectangle((40, 50, 60 + number * 10, 180), fill=color)
    elif number % 3 == 1:
        draw.polygon([(30, 200), (150, 20 + number * 3), (260, 190)], fill=color)
    else:
        for line in range(0, 220, 10 + number):
            draw.line((0, line, 300, 220 - line), fill=color, width=3)
    return image
