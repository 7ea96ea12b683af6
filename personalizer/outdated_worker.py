"""What a worker does that an update finds running and that knows of no versions: it begins again in the new code.

It comes here by importing a module of the version before, when it begins its next scan or training. Kept for one
version. The job at hand is claimed again by the process that this one becomes, as after any crash.
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
