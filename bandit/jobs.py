"""RQ jobs of the bandit: take a key, call a service."""

from __future__ import annotations

from bandit import comparing


def compare_policies(key: str) -> bool:
    """Run the comparison with this id."""
    return comparing.run(int(key))
