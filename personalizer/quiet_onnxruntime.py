"""The one way to onnxruntime, which since 1.29 reports its use to its makers unless it is told not to before it loads.

Nothing leaves the home: neither that, nor the device's number and the cache that it would write for it.
"""

from __future__ import annotations

import os
from typing import Any

SWITCH = "ORT_DISABLE_TELEMETRY"
"""Read once, when the library is loaded; whatever is set in the environment already gives way to this."""


def load_onnxruntime() -> Any:
    """The module `onnxruntime`, silent."""
    os.environ[SWITCH] = "1"
    import onnxruntime

    # For builds that do not know the variable; on Windows the system collects instead.
    onnxruntime.disable_telemetry_events()
    return onnxruntime
