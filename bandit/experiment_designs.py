"""Ready-made designs: those of the three phases of the paper (Czapp et al. 2024), and what to say about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandit.experiments import ArmSpec
from bandit.models import ArmKind, Design


@dataclass(frozen=True)
class ReadyMade:
    """A design with the arms it begins with; ``question`` is what it answers."""

    design: str
    question: str
    arms: tuple[ArmSpec, ...]

    @property
    def title(self) -> str:
        return Design(self.design).label


READY_MADE = {
    made.design: made
    for made in (
        ReadyMade(
            Design.PHASE_1,
            "Is a generated background worth it at all, against the original photo and the product on white?",
            (
                ArmSpec("original", ArmKind.ORIGINAL, 34, is_control=True),
                ArmSpec("positioned", ArmKind.POSITIONED, 33),
                ArmSpec("generated", ArmKind.RANDOM, 33),
            ),
        ),
        ReadyMade(
            Design.PHASE_2,
            "Is a new version of the pipeline better than the one before? Both arms see random prompts.",
            (
                ArmSpec("before", ArmKind.RANDOM, 50, is_control=True),
                ArmSpec("after", ArmKind.RANDOM, 50),
            ),
        ),
        ReadyMade(
            Design.PHASE_3,
            "Does LinUCB choose prompts better than chance?",
            (
                ArmSpec("random", ArmKind.RANDOM, 50, is_control=True),
                ArmSpec("personalised", ArmKind.PERSONALISED, 50),
            ),
        ),
        ReadyMade(
            Design.CUSTOM,
            "Any of the four kinds of arms, in shares of your own.",
            (
                ArmSpec("personalised", ArmKind.PERSONALISED, 80),
                ArmSpec("random", ArmKind.RANDOM, 20),
                ArmSpec("original", ArmKind.ORIGINAL, 0),
                ArmSpec("positioned", ArmKind.POSITIONED, 0),
            ),
        ),
    )
}


def arms_of(design: str, shares: Sequence[int], pipeline_versions: Sequence[str] = ()) -> list[ArmSpec]:
    """The arms of a design in ``shares`` (per cent, 0 leaves an arm out of one's own design) and pipeline versions.

    Raises ValueError when there are not as many shares as arms, or versions as arms where there are any.
    """
    made = READY_MADE[design]
    versions = list(pipeline_versions) or [""] * len(made.arms)
    arms = [
        replace(arm, share=share, pipeline_version=version)
        for arm, share, version in zip(made.arms, shares, versions, strict=True)
    ]
    return [arm for arm in arms if arm.share or design != Design.CUSTOM]
