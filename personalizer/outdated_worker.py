"""Restarts a worker of the previous version in the updated code; kept for one version.

Such a worker imports a module under its former name when it begins its next scan or training, and that module calls
`begin_again`. The restarted process claims the current job again, as after any crash.
"""

import os
import sys

_LOOP = "personalizer.worker_loop"
"""A module that only workers of the version before have loaded."""


def begin_again() -> None:
    """Become a worker of the new version, with the same process id; nothing for any other process."""
    if _LOOP not in sys.modules:
        return
    # Its output goes to a thread of its own, which ends here: nobody would read, and a full pipe would hold it up.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.execv(sys.executable, sys.orig_argv)
