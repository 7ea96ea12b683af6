"""The one way to onnxruntime, which since 1.29 reports its use to its makers unless it is told not to before it loads.

Nothing leaves the home: neither that, nor the device's number and the cache that it would write for it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from personalizer.errors import CorruptArtifactError

SWITCH = "ORT_DISABLE_TELEMETRY"
"""Read once, when the library is loaded; whatever is set in the environment already gives way to this."""
REINSTALL = (
    "Install Familiar again: pip install --force-reinstall familiar-assistant, or in a clone of its source: "
    "git checkout personalizer/data"
)
"""What to do when a file that ships is damaged."""


def load_onnxruntime() -> Any:
    """The module `onnxruntime`, silent."""
    os.environ[SWITCH] = "1"
    import onnxruntime

    # For builds that do not know the variable; on Windows the system collects instead.
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def execution_providers() -> list[str]:
    """Where sessions run, for every one of them: the processor, also beside a graphics card that torch uses."""
    return ["CPUExecutionProvider"]


def new_session(graph: bytes | str | Path, options: Any = None) -> Any:
    """A session for an ONNX graph or its file. No other module makes one."""
    source = str(graph) if isinstance(graph, Path) else graph
    return load_onnxruntime().InferenceSession(source, options, providers=execution_providers())


def read_graph(path: Path, sha256: str, what: str) -> bytes:
    """The file of a network that ships, or `CorruptArtifactError` where it is not the one with that hash."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
        found = "it is not what was shipped"
    except OSError as error:
        found = error.strerror or str(error)
    raise CorruptArtifactError(
        tried=f"reading the {what} {path}",
        found=found,
        fix=REINSTALL,
    )


def open_session(graph: bytes, threads: int, *, of_one_size: bool = True) -> Any:
    """A session for a small network that looks at photos, beside other processes that do the same.

    What it is given is `of_one_size`, or it gives back the room that a large picture took.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads that spin would take the core of the process next door.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = of_one_size
    return new_session(graph, options)
