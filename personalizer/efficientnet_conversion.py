"""The old name of `personalizer.analysis.convert_efficientnet`, kept for one version.

A worker that was running before the modules moved into rooms starts its child processes by this name.
"""

import sys

from personalizer.analysis.convert_efficientnet import main

__all__ = ["main"]


if __name__ == "__main__":
    sys.exit(main())
