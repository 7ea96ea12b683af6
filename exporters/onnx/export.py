"""A torch backbone as a directory of ONNX graphs, embedding tables, tokenizer and manifest.

Knows how each part is traced; knows no concept and not how the files are run.
"""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import onnx
import torch
from torch import nn

from exporters.manifest import Manifest, Precision, file_entries
from exporters.onnx.graphs import DecoderGraph, MethodGraph
from exporters.onnx.quantize import quantize
from exporters.onnx.torch_session import TorchSession
from exporters.onnx.validate import default_examples, validate
from exporters.runtime.ort_session import OrtSession
from exporters.tensor_files import save_tensors
from personalizer.backbones.base import Backbone
from personalizer.errors import NotReadyError
from personalizer.schemas import OnProgress, Progress

Tracer = Literal["trace", "dynamo"]
"""`trace` takes seconds and will leave torch one day; `dynamo` takes minutes on a slow machine and stays."""
OPSET = 17
_DYNAMO_OPSET = 18
_ABANDONED_AFTER_S = 3600
_EXTERNAL_BYTES = 1_800_000_000
"""A protobuf ends at 2 GiB; graphs with more weights keep them in a file beside them."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """One graph to trace: module, example inputs, and the names of its inputs, outputs and free sizes."""

    name: str
    module: nn.Module
    inputs: tuple[Any, ...]
    input_names: list[str]
    output_names: list[str]
    dynamic_shapes: Any
    quantized: bool


def export_backbone(
    backbone: Backbone,
    directory: Path,
    *,
    precision: Precision = "int8",
    tracer: Tracer = "trace",
    on_progress: OnProgress | None = None,
) -> Manifest:
    """Write `backbone` to `directory` and return its manifest.

    The directory appears complete or not at all; an older export in its place is replaced. Decoder and heads
    are quantized to `precision`, image encoder and decoder stay in fp32. The result is compared with torch on
    examples and the comparison is stored; `FamiliarError` if they disagree.
    """
    _check(backbone)
    parts = _graphs(backbone)
    total = len(parts) + 2
    report = _reporter(on_progress, total)
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(directory)
    work = directory.with_name(f".{directory.name}.{uuid.uuid4().hex[:8]}.tmp")
    work.mkdir(mode=0o700)
    try:
        for number, part in enumerate(parts):
            report(number, f"exporting {part.name}")
            _write_graph(part, work, precision, tracer)
        report(len(parts), "writing the embedding tables")
        _write_tables(backbone, work)
        shutil.copyfile(backbone.tokenizer_path, work / "tokenizer.json")
        for path in work.iterdir():
            path.chmod(0o600)
        report(len(parts) + 1, "comparing with torch")
        manifest = _finish(backbone, work, precision, OPSET if tracer == "trace" else _DYNAMO_OPSET)
        _replace(work, directory)
        report(total, "done")
        return manifest
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check(backbone: Backbone) -> None:
    """Raise `NotReadyError` for what these graphs cannot express."""
    dtype = next(DecoderGraph(backbone).parameters()).dtype
    problem = None
    if not backbone.reads_own_codes:
        problem = "it reads images through another encoder than it writes them"
    elif dtype != torch.float32:
        problem = f"its weights are loaded as {dtype}"
    if problem is not None:
        raise NotReadyError(
            tried=f"exporting the backbone {backbone.spec.name}",
            found=problem,
            fix="Export a Chameleon-format backbone, loaded on the CPU.",
        )


def _graphs(backbone: Backbone) -> list[_Graph]:
    spec = backbone.spec
    device = backbone.device
    decoder = DecoderGraph(backbone)
    dtype = torch.float32
    # Sizes of 1 and equal sizes would be taken for constants by the tracer: 2 sequences, 5 past, 3 new.
    batch, past, new = 2, 5, 3
    past_tensors = [
        torch.zeros(batch, spec.kv_heads, past, spec.head_dim, dtype=dtype, device=device)
        for _ in range(2 * spec.layers)
    ]
    past_names = [f"past_{index}" for index in range(2 * spec.layers)]
    graphs = [
        _Graph(
            name="decoder",
            module=decoder,
            inputs=(
                torch.zeros(batch, new, spec.hidden_size, dtype=dtype, device=device),
                torch.ones(batch, past + new, dtype=torch.int64, device=device),
                torch.arange(past, past + new, device=device).repeat(batch, 1),
                past_tensors,
            ),
            input_names=["inputs_embeds", "attention_mask", "position_ids", *past_names],
            output_names=["hidden", *(name.replace("past", "present") for name in past_names)],
            dynamic_shapes=(
                {0: "batch", 1: "sequence"},
                {0: "batch", 1: "total"},
                {0: "batch", 1: "sequence"},
                [{0: "batch", 2: "past"} for _ in past_names],
            ),
            quantized=True,
        )
    ]
    hidden = torch.zeros(3, spec.hidden_size, dtype=dtype, device=device)
    pixels = torch.zeros(2, 3, spec.image_size_px, spec.image_size_px, dtype=dtype, device=device)
    codes = torch.zeros(2, spec.tokens_per_image, dtype=torch.int64, device=device)

    def method(
        name: str,
        part: Callable[[torch.Tensor], torch.Tensor],
        inputs: torch.Tensor,
        labels: tuple[str, str, str],
        quantized: bool,
    ) -> _Graph:
        source, result, free = labels
        module = MethodGraph(backbone, part)
        return _Graph(name, module, (inputs,), [source], [result], ({0: free},), quantized)

    graphs += [
        method("text_head", backbone.text_logits, hidden, ("hidden", "logits", "rows"), True),
        method("image_head", backbone.image_logits, hidden, ("hidden", "logits", "rows"), True),
        method("image_encoder", backbone.encode_pixels, pixels, ("pixels", "codes", "images"), False),
        method("image_decoder", backbone.decode_pixels, codes, ("codes", "pixels", "images"), False),
    ]
    return graphs


def _write_graph(part: _Graph, directory: Path, precision: Precision, tracer: Tracer) -> None:
    target = directory / f"{part.name}.onnx"
    external = sum(parameter.nbytes for parameter in part.module.parameters()) > _EXTERNAL_BYTES
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        source = Path(folder) / target.name
        with torch.no_grad(), _quiet():
            if tracer == "trace":
                _trace(part, source)
            else:
                _trace_with_dynamo(part, source, external)
        if part.quantized and precision != "fp32":
            quantize(source, target, precision=precision, external_data=external)
        elif external:
            onnx.save(
                onnx.load(str(source)),
                str(target),
                save_as_external_data=True,
                location=f"{target.name}.data",
            )
        else:
            source.rename(target)


def _trace(part: _Graph, target: Path) -> None:
    """Run the module once and record its operations: forty times faster than a symbolic trace."""
    flat = [axes for shape in part.dynamic_shapes for axes in (shape if isinstance(shape, list) else [shape])]
    torch.onnx.export(
        part.module.eval(),
        part.inputs,
        str(target),
        dynamo=False,
        opset_version=OPSET,
        input_names=part.input_names,
        output_names=part.output_names,
        dynamic_axes=dict(zip(part.input_names, flat, strict=True)),
    )


def _trace_with_dynamo(part: _Graph, target: Path, external: bool) -> None:
    program = torch.onnx.export(
        part.module.eval(),
        part.inputs,
        dynamo=True,
        opset_version=_DYNAMO_OPSET,
        verbose=False,
        external_data=False,
        input_names=part.input_names,
        output_names=part.output_names,
        dynamic_shapes=part.dynamic_shapes,
    )
    assert program is not None  # only the other exporter returns None
    program.save(str(target), external_data=external)


def _write_tables(backbone: Backbone, directory: Path) -> None:
    """The input embeddings of every text id and of every image code, in fp32."""
    with torch.no_grad():
        text = backbone.embed_text(torch.arange(backbone.spec.text_vocabulary, device=backbone.device))
        codes = backbone.embed_image_codes(torch.arange(backbone.spec.codebook_size, device=backbone.device))
    tables = {"text": text.float().cpu().numpy(), "image_codes": codes.float().cpu().numpy()}
    save_tensors(directory / "embeddings.safetensors", tables)


def _finish(backbone: Backbone, directory: Path, precision: Precision, opset: int) -> Manifest:
    manifest = Manifest(
        spec=backbone.spec,
        scaling=backbone.scaling,
        precision=precision,
        opset=opset,
        files=file_entries(directory),
        versions={name: metadata.version(name) for name in ("torch", "transformers", "onnx", "onnxruntime")},
    )
    manifest.write(directory)
    comparison = validate(TorchSession(backbone), OrtSession(directory), default_examples())
    comparison.require(precision)
    validated = replace(manifest, validation=comparison.to_json())
    validated.write(directory)
    return validated


def _sweep(directory: Path) -> None:
    """Remove what exports to `directory` left behind when they were killed."""
    for path in directory.parent.glob(f".{directory.name}.*"):
        with contextlib.suppress(FileNotFoundError):  # another export may finish meanwhile
            if path.suffix in (".tmp", ".old") and time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)


def _replace(new: Path, directory: Path) -> None:
    """Put `new` where `directory` is; a crash in between leaves the old export aside, never a mixture."""
    old = directory.with_name(f".{directory.name}.{uuid.uuid4().hex[:8]}.old")
    if directory.exists():
        directory.rename(old)
    new.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def _reporter(on_progress: OnProgress | None, total: int) -> Callable[[int, str], None]:
    def report(done: int, message: str) -> None:
        if on_progress is not None:
            on_progress(Progress(done, total, message))

    return report


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the tracer's notes about optional packages and its own deprecations."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
