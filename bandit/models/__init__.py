"""The models of the app, by room."""

from .events import Click, Conversion, Impression, Variant
from .experiments import ArmKind, Experiment, ExperimentArm
from .policies import Policy, PolicySnapshot

__all__ = [
    "ArmKind",
    "Click",
    "Conversion",
    "Experiment",
    "ExperimentArm",
    "Impression",
    "Policy",
    "PolicySnapshot",
    "Variant",
]
