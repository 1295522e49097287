"""The difference of two texts, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Segment:
    """A run of text that is the same in both, or only in the old or the new one."""

    kind: Literal["same", "old", "new"]
    text: str


def word_diff(old: str, new: str) -> list[Segment]:
    """Segments in reading order. Joining "same" and "old" gives ``old``; joining "same" and "new" gives ``new``."""
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    segments: list[Segment] = []
    for operation, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if operation == "equal":
            segments.append(Segment("same", "".join(a[a_from:a_to])))
            continue
        if a_to > a_from:
            segments.append(Segment("old", "".join(a[a_from:a_to])))
        if b_to > b_from:
            segments.append(Segment("new", "".join(b[b_from:b_to])))
    return segments
