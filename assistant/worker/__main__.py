"""`python -m assistant.worker`, as installed units and front ends start it."""

from assistant.worker.main import leave, main

if __name__ == "__main__":
    leave(main())
