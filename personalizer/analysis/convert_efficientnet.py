"""What a worker of the version before starts to convert the object network, kept for one version. Converts nothing.

The network ships now. That worker runs on while the packages change under it; it is told why, and the one that
replaces it needs no conversion.
"""

import sys


def main() -> int:
    """Refuse: the last line on stderr is the reason that the worker passes on."""
    print(
        "Familiar was updated while it ran; the next familiar command replaces this worker", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
