"""`familiar watch` as a service of the user's own session: a systemd user unit, or a launchd agent.

Knows the text of both, where they go and which small programs switch them on; knows no worker. What it wrote it knows
by a line with a checksum, and touches nothing else.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from assistant.daemon.launchd import LaunchdAgent
from assistant.daemon.service_file import (
    Service,
)
from assistant.daemon.systemd import SystemdUnit
from personalizer.errors import NotReadyError


def service_of_this_system(platform: str = sys.platform) -> Service:
    """The service manager that this system has. Raises NotReadyError for one that we do not know."""
    if platform.startswith("linux"):
        return SystemdUnit(_config_folder() / "systemd" / "user")
    if platform == "darwin":
        return LaunchdAgent(Path.home() / "Library" / "LaunchAgents")
    raise NotReadyError(
        tried="installing the service",
        found=f"it can be a systemd user service or a launchd agent, and this system is {platform}",
        fix="Start `familiar watch` with whatever starts programs here.",
    )


def _config_folder() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME")
    return Path(configured) if configured else Path.home() / ".config"
