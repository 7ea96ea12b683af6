"""The old name of `personalizer.analysis.process`, kept for one version.

A worker that was running before the modules moved into rooms starts its child processes by this name.
"""

from personalizer.analysis.process import main

__all__ = ["main"]
