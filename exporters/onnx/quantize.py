"""Smaller weights for an ONNX graph. Knows graphs of matrix products, no backbone and no accuracy target.

`int8` stores weights in blocks of 32 with one scale each and quantizes activations per row while it runs, so
that a token's result depends neither on the other tokens of its batch nor on how a prompt is cut into pieces:
a cached prefix gives the same numbers as the whole sequence. `int8-dynamic` (one activation scale for a whole
tensor, one weight scale per column) is 12 % faster per token and twice as fast on long prompts, but lacks
that property and has about seven times the divergence from fp32. Its weights keep to seven bits, because
processors with AVX2 and without VNNI saturate sums of 8-bit products.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from exporters.manifest import Precision
from personalizer.onnx_runtime import load_onnxruntime

_BLOCK = 32
_INT8_ACTIVATIONS = 4
"""onnxruntime's `accuracy_level` for activations in 8 bits."""


def quantize(source: Path, target: Path, *, precision: Precision, external_data: bool = False) -> None:
    """Write `source` to `target` with the constant matrices of its products quantized.

    `external_data` keeps weights beside the graph, which files above 2 GiB need.
    """
    load_onnxruntime()
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        prepared = Path(folder) / "prepared.onnx"
        # Folds transposed weights into constants: a quantizer only sees constants.
        quant_pre_process(
            str(source), str(prepared), skip_symbolic_shape=True, save_as_external_data=external_data
        )
        # They report every node of the graph, one of them to the root logger.
        loggers = [logging.getLogger(), logging.getLogger("onnxruntime.quantization")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            if precision == "int8":
                _blockwise(prepared, target, external_data)
            else:
                _dynamic(prepared, target, external_data)
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _blockwise(source: Path, target: Path, external_data: bool) -> None:
    import onnx

    load_onnxruntime()
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(
        onnx.load(str(source)), bits=8, block_size=_BLOCK, is_symmetric=True, accuracy_level=_INT8_ACTIVATIONS
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(target), external_data)


def _dynamic(source: Path, target: Path, external_data: bool) -> None:
    load_onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(source),
        str(target),
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        use_external_data_format=external_data,
        extra_options={"MatMulConstBOnly": True},
    )
