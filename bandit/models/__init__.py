"""The models of the app, by room."""

from .comparisons import PolicyComparison
from .controls import ConfigChange, PausedPrompt, PolicyAction, PoolControl, Watermark
from .events import Click, Conversion, Impression, SetAside, Variant
from .experiments import ArmKind, Experiment, ExperimentArm
from .lessons import LearningStep, PendingLesson
from .policies import Policy, PolicyKind, PolicySnapshot
from .rollups import (
    DailyCell,
    DailyCreative,
    DailyGroup,
    ExperimentDay,
    ExperimentUserDay,
    HourlyCell,
    RollupState,
    RollupTouch,
    StaleDay,
)

__all__ = [
    "ArmKind",
    "Click",
    "ConfigChange",
    "Conversion",
    "DailyCell",
    "DailyCreative",
    "DailyGroup",
    "Experiment",
    "ExperimentArm",
    "ExperimentDay",
    "ExperimentUserDay",
    "HourlyCell",
    "Impression",
    "LearningStep",
    "PausedPrompt",
    "PendingLesson",
    "Policy",
    "PolicyAction",
    "PolicyComparison",
    "PolicyKind",
    "PolicySnapshot",
    "PoolControl",
    "RollupState",
    "RollupTouch",
    "SetAside",
    "StaleDay",
    "Variant",
    "Watermark",
]
