"""How a creative is lit: whether the product stands on something and throws a contact shadow, and how far the scene's
colours go with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .layout import Layout
from .setting_names import is_from_above

if TYPE_CHECKING:
    from .profile import CheckpointProfile

SHADOW_STRENGTH: Final = 0.6
HARMONY: Final = 0.25

_IN_THE_AIR: Final = re.compile(
    r"\b(?:hanging|hangs|hung|suspended|floating|levitating|mid-?air|in the air)\b", re.IGNORECASE
)
_ELSEWHERE: Final = re.compile(
    r"\b(?:hanging|hung|suspended|floating)"
    r" (?:lamps?|lights?|lanterns?|plants?|baskets?|gardens?|pictures?|clouds?|candles?)"
    r"|\b(?:lamps?|lights?|lanterns?|plants?|leaves|curtains?|pictures?|clouds?)"
    r"(?: \w+)? (?:hanging|hung|suspended|floating)",
    re.IGNORECASE,
)
"""Of these words, what the scene around the product is said to do."""


@dataclass(frozen=True)
class Light:
    """shadow: depth of the contact shadow, 0..1, 0 where the product does not stand on anything. harmony: 0..1, how far
    the background's cast goes towards the product's.
    """

    shadow: float = SHADOW_STRENGTH
    harmony: float = HARMONY


def light_for(profile: CheckpointProfile, prompt: str, layout: Layout, told: str = "auto") -> Light:
    """The light of a creative; `told`, see `has_ground`."""
    return Light(SHADOW_STRENGTH if has_ground(prompt, layout, told) else 0.0, profile.harmony)


def has_ground(prompt: str, layout: Layout, told: str = "auto") -> bool:
    """Whether the product stands on the ground of the scene.

    The layout's word counts first, then `told`, the prompt's own setting. Left to itself ("auto"), a product does not when
    it hangs from the frame's top or the prompt says that the product hangs, floats or is seen from above.
    """
    for word in (layout.ground, told):
        if word != "auto":
            return word == "contact"
    hangs = "n" in layout.anchor or _IN_THE_AIR.search(_ELSEWHERE.sub("", prompt)) is not None
    return not hangs and not is_from_above(prompt)
