"""Python loads this in every process that a test starts: connections to other machines are refused there as well."""

from loopback_only import watch_sockets

watch_sockets()
