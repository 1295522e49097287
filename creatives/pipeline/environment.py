"""What numeric libraries read from the environment as they are imported."""

from __future__ import annotations

import os


def wait_passively() -> None:
    """Have OpenMP threads sleep while they wait; call it before the first library that brings OpenMP is imported.

    By default they spin, and on a machine with as many busy processes as cores painting takes thirty times as long.
    A value that the environment already has is left alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def load_quietly() -> None:
    """Have diffusers and transformers report errors only: they warn at length of classes that nothing here uses."""
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
