"""Replaces the conversion program that a worker of the previous version starts; kept for one version. Converts nothing.

The network is bundled now. The message tells that worker so, and the worker that replaces it needs no conversion.
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
