"""An exported backbone gives the numbers of the torch model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from exporters.onnx.torch_session import TorchSession
from exporters.onnx.validate import Example, default_examples, validate
from exporters.runtime.ort_session import OrtSession
from personalizer.errors import FamiliarError


def test_fp32_export_is_torch(
    torch_session: TorchSession, fp32: OrtSession, pictures: list[Image.Image]
) -> None:
    found = validate(torch_session, fp32, [Example("a dog.", picture) for picture in pictures])
    assert found.hidden_max_abs <= 1e-3
    assert found.text_logits_max_abs <= 1e-3
    assert found.image_logits_max_abs <= 1e-3
    assert (found.codes_equal, found.text_top1, found.image_top1) == (1.0, 1.0, 1.0)
    assert found.pixels_max_abs <= 1
    assert found.tokenizers_equal


def test_int8_export_agrees_with_torch(torch_session: TorchSession, int8: OrtSession) -> None:
    found = validate(torch_session, int8, default_examples())
    assert found.text_top1 >= 0.9
    assert found.image_top1 >= 0.9
    assert max(found.text_kl, found.image_kl) <= 0.01
    assert found.codes_equal == 1.0


def test_torch_session_is_the_backbone(backbone: Any, torch_session: TorchSession) -> None:
    embeddings = torch.randn(2, 9, backbone.spec.hidden_size, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(2, 9, dtype=torch.int64)
    mask[1, 7:] = 0
    with torch.no_grad():
        expected, _ = backbone.forward(embeddings, mask)
    found, _ = torch_session.forward(embeddings.numpy(), mask=mask.numpy().astype(bool))
    np.testing.assert_allclose(found[0], expected[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(found[1, :7], expected[1, :7].numpy(), atol=1e-4)


def test_a_disagreement_is_noticed(torch_session: TorchSession, fp32: OrtSession) -> None:
    good = validate(torch_session, fp32, default_examples()[:1])
    good.require("fp32")
    for bad in (
        replace(good, text_logits_max_abs=0.5),
        replace(good, codes_equal=0.5),
        replace(good, tokenizers_equal=False),
        replace(good, pixels_max_abs=100),
    ):
        with pytest.raises(FamiliarError, match=r"comparing the exported backbone"):
            bad.require("fp32")
    with pytest.raises(FamiliarError, match="nats"):
        replace(good, image_kl=0.5).require("int8")


def test_validation_sees_other_weights(torch_session: TorchSession, fp32: OrtSession, backbone: Any) -> None:
    weight = backbone.model.model.layers[1].mlp.up_proj.weight
    original = weight.clone()
    try:
        weight.mul_(1.5)
        found = validate(torch_session, fp32, default_examples()[:1])
    finally:
        weight.copy_(original)
    with pytest.raises(FamiliarError, match="logits differ"):
        found.require("fp32")
