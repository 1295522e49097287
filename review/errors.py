"""Why a decision is not taken. The message is for the person at the desk."""

from __future__ import annotations


class ReviewError(Exception):
    """A decision that cannot be taken; ``str()`` says why in words."""


class AlreadyDecidedError(ReviewError):
    """Somebody else was faster, or the creative has left the queue."""


class HeldByAnotherError(ReviewError):
    """Another reviewer is looking at the creative right now."""


class InvalidDecisionError(ReviewError):
    """A reason or note is missing, too long or unknown."""


class NothingToUndoError(ReviewError):
    """There is no decision of one's own that still stands and may be taken back."""


class NotOpenError(ReviewError):
    """A second opinion, gold item or rule is no longer in a state in which this can be done."""
