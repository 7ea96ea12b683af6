"""The old name of `personalizer.index.process`, kept for one version.

A worker that was running before the modules moved into rooms starts its child processes by this name.
"""

from personalizer.index.process import main

__all__ = ["main"]
