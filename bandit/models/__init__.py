"""The models of the app, by room."""

from .comparisons import PolicyComparison
from .controls import ConfigChange, PausedPrompt, PolicyAction, PoolControl, Watermark
from .events import Click, Conversion, Impression, SetAside, Variant
from .experiments import ArmKind, Design, Experiment, ExperimentAction, ExperimentArm, Layer
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
    "Design",
    "Experiment",
    "ExperimentAction",
    "ExperimentArm",
    "ExperimentDay",
    "ExperimentUserDay",
    "HourlyCell",
    "Impression",
    "Layer",
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
