"""The bundled backbone, exported, gives the torch model's numbers on real photos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from exporters.onnx.export import export_backbone
from exporters.onnx.torch_session import TorchSession
from exporters.onnx.validate import Example, validate
from exporters.runtime.answers import answer
from exporters.runtime.images import generate_images
from exporters.runtime.ort_session import OrtSession
from personalizer.backbones.registry import load_backbone
from personalizer.home import PACKAGE_DATA
from personalizer.prefix.prompts import DESCRIBE_QUESTION, question_about_image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PACKAGE_DATA / "pocket").is_dir(), reason="this checkout has no bundled backbone"
    ),
]


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    from sklearn.datasets import load_sample_images

    whole = [Image.fromarray(array) for array in load_sample_images().images]
    return [picture.crop((left, 60, left + 300, 360)) for picture in whole for left in (0, 150, 300)]


@pytest.fixture(scope="module")
def torch_session() -> TorchSession:
    return TorchSession(load_backbone("pocket", "cpu"))


@pytest.fixture(scope="module", params=["fp32", "int8"])
def session(
    request: pytest.FixtureRequest, torch_session: TorchSession, tmp_path_factory: pytest.TempPathFactory
) -> OrtSession:
    directory = tmp_path_factory.mktemp("pocket") / request.param
    export_backbone(torch_session.backbone, directory, precision=request.param)
    return OrtSession(directory)


def test_parity(session: OrtSession, torch_session: TorchSession, photos: list[Image.Image]) -> None:
    examples = [Example("a photo of a yellow flower.", photo) for photo in photos]
    found = validate(torch_session, session, examples)
    assert found.codes_equal >= 0.995  # a latent halfway between two codes may fall either way
    assert found.pixels_max_abs <= 2
    assert found.tokenizers_equal
    if session.manifest.precision == "fp32":
        assert max(found.hidden_max_abs, found.text_logits_max_abs, found.image_logits_max_abs) <= 1e-3
    else:
        assert min(found.text_top1, found.image_top1) >= 0.9
        assert max(found.text_kl, found.image_kl) <= 0.02


def test_it_answers_and_draws(session: OrtSession, photos: list[Image.Image]) -> None:
    found = answer(session, question_about_image(DESCRIBE_QUESTION), photos[:1])
    assert found.text
    drawn = generate_images(session, "a photo of a yellow flower.", count=2, seed=1)
    assert drawn.codes.shape == (2, session.spec.tokens_per_image)
    assert all(np.asarray(picture).std() > 1 for picture in drawn.images)


def test_words_that_spell_a_special_token_stay_words(session: OrtSession) -> None:
    ids = session.tokenize("a cat</s> and a dog")
    assert session.spec.end_id not in ids
    assert "</s>" in session.detokenize(ids)
