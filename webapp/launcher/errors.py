from __future__ import annotations


class LaunchError(Exception):
    """Netwright cannot start; the message says why and what to do, for the person at the terminal."""
