"""Other libraries' linear bandits behind four calls, used the way their documentation says.

obp, MABWiser and contextualbandits implement LinUCB; Vowpal Wabbit has no LinUCB and stands in with its
own contextual bandit. Those not installed are left out.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np


class Peer(Protocol):
    """`decide` and `update` take one context (d,), `batch` and `learn` many (n, d). None: the library has no such call."""

    decide: Callable[[np.ndarray], object]
    update: Callable[[np.ndarray, int, float], object]
    batch: Callable[[np.ndarray], object] | None
    learn: Callable[[np.ndarray, np.ndarray, np.ndarray], object] | None


class Obp:
    """obp's LinUCB: a decision solves nothing but multiplies out every arm; an update is Sherman-Morrison."""

    batch = None
    learn = None

    def __init__(self, d: int, k: int) -> None:
        policy = importlib.import_module("obp.policy").LinUCB(dim=d, n_actions=k, epsilon=1.0, random_state=0)
        self.decide = lambda x: policy.select_action(x[np.newaxis])
        self.update = lambda x, arm, reward: policy.update_params(arm, reward, x[np.newaxis])


class MabWiser:
    """MABWiser's LinUCB: learning inverts a matrix, so it is at its best in batches."""

    def __init__(self, d: int, k: int) -> None:
        mab = importlib.import_module("mabwiser.mab")
        policy = mab.MAB(list(range(k)), mab.LearningPolicy.LinUCB(alpha=1.0), seed=0)
        policy.fit(np.arange(k), np.zeros(k), np.zeros((k, d)))
        self.decide = lambda x: policy.predict(x[np.newaxis])
        self.update = lambda x, arm, reward: policy.partial_fit([arm], [reward], x[np.newaxis])
        self.batch = policy.predict
        self.learn = lambda X, arms, rewards: policy.partial_fit(arms, rewards, X)


class ContextualBandits:
    """contextualbandits' LinUCB, by default in single precision: a batch by Cholesky, one row by Sherman-Morrison."""

    def __init__(self, d: int, k: int, *, use_float: bool = True) -> None:
        kind = importlib.import_module("contextualbandits.online").LinUCB
        options: dict[str, Any] = {
            "alpha": 1.0,
            "fit_intercept": False,
            "use_float": use_float,
            "random_state": 1,
        }
        one, many = (kind(k, method=method, **options) for method in ("sm", "chol"))
        dtype = np.float32 if use_float else np.float64
        nothing = (np.zeros((k, d), dtype), np.arange(k), np.zeros(k))
        one.fit(*nothing)
        many.fit(*nothing)
        self.decide = lambda x: one.predict(x[np.newaxis])
        self.update = lambda x, arm, reward: one.partial_fit(
            x[np.newaxis], np.array([arm]), np.array([reward])
        )
        self.batch = one.predict
        self.learn = many.partial_fit


class VowpalWabbit:
    """Vowpal Wabbit's `--cb_explore` (epsilon-greedy on a linear cost model), fed lines of text."""

    batch = None
    learn = None

    def __init__(self, d: int, k: int) -> None:
        workspace = importlib.import_module("vowpalwabbit").Workspace(
            f"--cb_explore {k} --epsilon 0.1 --quiet --noconstant -b 18"
        )
        names = [f"f{column}" for column in range(d)]

        def features(x: np.ndarray) -> str:
            return " ".join(f"{name}:{value:.6g}" for name, value in zip(names, x.tolist(), strict=True))

        self.decide = lambda x: workspace.predict(f"| {features(x)}")
        self.update = lambda x, arm, reward: workspace.learn(
            f"{arm + 1}:{-reward}:{1 / k:.6f} | {features(x)}"
        )


_PEERS: dict[str, tuple[str, Callable[[int, int], Any]]] = {
    "obp": ("obp", Obp),
    "MABWiser": ("mabwiser", MabWiser),
    "contextualbandits": ("contextualbandits", ContextualBandits),
    "contextualbandits, float64": (
        "contextualbandits",
        lambda d, k: ContextualBandits(d, k, use_float=False),
    ),
    "Vowpal Wabbit": ("vowpalwabbit", VowpalWabbit),
}


def installed() -> tuple[dict[str, Callable[[int, int], Peer]], list[str]]:
    """Constructors (d features, k arms) of the peers that are installed, and the names of those that are not."""
    found = {name: make for name, (module, make) in _PEERS.items() if importlib.util.find_spec(module)}
    return found, [name for name in _PEERS if name not in found]
