"""Loads onnxruntime with its telemetry disabled; since 1.29 it reports its use unless disabled before it is loaded.

The module also prevents the device id and the cache file that the telemetry would write.
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
    """The execution providers of all sessions: the CPU only, even if torch uses a GPU."""
    return ["CPUExecutionProvider"]


def new_session(graph: bytes | str | Path, options: Any = None) -> Any:
    """A session for an ONNX graph or its file. No other module makes one."""
    source = str(graph) if isinstance(graph, Path) else graph
    return load_onnxruntime().InferenceSession(source, options, providers=execution_providers())


def read_graph(path: Path, sha256: str, what: str) -> bytes:
    """The bytes of a bundled network; raises `CorruptArtifactError` if its hash differs."""
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
    # A plan of all buffers of the graph at once takes 200 MiB more with the mask network, and no less time.
    options.enable_mem_pattern = False
    return new_session(graph, options)
