"""What every linear policy shares: contexts, arms, ties, choices, and the shape of a snapshot.

A subclass supplies, for a context x and an arm a, the estimated reward and the variance factor
whose square root is the standard deviation of that estimate (Li et al. 2010, section 3).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from bandit import seeding
from bandit.arms import Arm, ArmRegistry

STATE_VERSION = 1


class Choice(NamedTuple):
    """An arm, the probability with which it was chosen, and the scores (k,) of `arms` in their order."""

    arm: Arm
    propensity: float
    scores: np.ndarray
    arms: tuple[Arm, ...]


class LinearPolicy(ABC):
    """Contextual bandit with a linear reward per arm.

    Parameters: `n_features` ≥ 1, length of a context; `alpha` ≥ 0, width of the exploration bonus
    (spread of the sample for Thompson sampling); `ridge` > 0, λ of the ridge regression (1 or more
    keeps rank-1 updates accurate); `seed` for ties and samples, None to take it from the operating
    system; scores within `tie_tolerance` · max(1, |best|) of the best are tied.

    Contexts are float64 (n_features,), used as given. Choosing is safe from several threads as long
    as nobody learns at the same time; learning is for one thread.
    """

    def __init__(
        self,
        n_features: int,
        alpha: float = 1.0,
        ridge: float = 1.0,
        seed: int | None = 0,
        *,
        tie_tolerance: float = 1e-9,
    ) -> None:
        if isinstance(n_features, bool) or int(n_features) != n_features or n_features < 1:
            raise ValueError(f"n_features must be a positive integer, not {n_features!r}")
        if not (math.isfinite(alpha) and alpha >= 0):
            raise ValueError(f"alpha must be finite and at least 0, not {alpha!r}")
        if not (math.isfinite(ridge) and ridge > 0):
            raise ValueError(f"ridge must be finite and above 0, not {ridge!r}")
        if not (math.isfinite(tie_tolerance) and tie_tolerance >= 0):
            raise ValueError(f"tie_tolerance must be finite and at least 0, not {tie_tolerance!r}")
        self.n_features = int(n_features)
        self.alpha = float(alpha)
        self.ridge = float(ridge)
        self.tie_tolerance = float(tie_tolerance)
        self._registry = ArmRegistry()
        self._rng = seeding.generator(seed)
        self._counts: list[int] = []
        self._empty()

    # --- arms -----------------------------------------------------------------------------------

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The active arms, in the order they were added."""
        return self._registry.active

    @property
    def counts(self) -> dict[Arm, int]:
        """How many rewards each arm, active or retired, has learned from."""
        return {arm: self._counts[row] for arm, row in self._registry.rows.items()}

    def add_arm(self, arm: Arm) -> None:
        """Makes an arm eligible. One that was removed comes back with what it learned; an active one stays."""
        if self._registry.add(arm):
            self._counts.append(0)
            self._grow()

    def remove_arm(self, arm: Arm) -> None:
        """Makes an arm ineligible; it keeps its statistics and still learns from late rewards."""
        self._registry.remove(arm)

    def reseed(self, seed: int | None) -> None:
        """Starts ties and samples afresh, for instance apart in each process that serves one snapshot."""
        self._rng = seeding.generator(seed)

    # --- choosing -------------------------------------------------------------------------------

    def select(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> Choice:
        """Chooses one of `arms` (default: all active ones) for the context x (n_features,).

        The arm with the largest upper confidence bound wins, ties are broken evenly at random, and
        `propensity` is therefore one over the number of tied arms. Raises ValueError for a context of
        another shape or with values that are not finite, UnknownArmError for an arm that is not active.
        """
        context = self._context(x)
        names, rows = self._registry.eligible(arms)
        scores = self._bounds(context, rows)
        ties = self._ties(scores)
        winner = ties[0] if len(ties) == 1 else ties[int(self._rng.random() * len(ties))]
        return Choice(names[winner], 1.0 / len(ties), np.array(scores), names)

    def probabilities(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        """With which probability `select` would choose each arm now: float64 (k,), sums to 1."""
        scores = self._bounds(self._context(x), self._registry.eligible(arms)[1])
        ties = self._ties(scores)
        probabilities = np.zeros(len(scores))
        probabilities[ties] = 1.0 / len(ties)
        return probabilities

    def scores(self, X: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        """Upper confidence bounds, float64 (n, k), of contexts X (n, n_features) by arm."""
        means, variances = self._block(self._contexts(X), self._registry.eligible(arms)[1])
        np.sqrt(variances, out=variances)
        variances *= self.alpha
        variances += means
        return variances

    def predict(self, X: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        """The best arm, without exploration bonus, for each of X (n, n_features); ties at random. (n,)"""
        names, rows = self._registry.eligible(arms)
        means, _ = self._block(self._contexts(X), rows)
        best = means.max(axis=1, keepdims=True)
        tied = means >= best - self.tie_tolerance * np.maximum(1.0, np.abs(best))
        winners = tied.argmax(axis=1)
        for row in np.flatnonzero(tied.sum(axis=1) > 1):
            winners[row] = self._rng.choice(np.flatnonzero(tied[row]))
        alike = len({type(name) for name in names}) == 1
        return np.array(names, dtype=None if alike else object)[winners]

    def coefficients(self, arm: Arm) -> tuple[np.ndarray, np.ndarray]:
        """What each feature is worth for an arm: weights and their standard deviations, both (n_features,)."""
        row = self._registry.row(arm)
        weights, variances = self._block(np.eye(self.n_features), (row,))
        return weights[:, 0], np.sqrt(variances[:, 0])

    # --- learning -------------------------------------------------------------------------------

    @abstractmethod
    def update(self, x: ArrayLike, arm: Arm, reward: float) -> None:
        """Learns that `arm` earned `reward` in context x (n_features,). Changes nothing when it raises."""

    @abstractmethod
    def partial_fit(self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike) -> Self:
        """Learns from n rows at once, with the result of n updates: X (n, n_features), arms and rewards (n,).

        Changes nothing when it raises.
        """

    @abstractmethod
    def merge(self, other: Self) -> Self:
        """Adds what another learner has learned, and its arms; returns this policy.

        Raises TypeError or ValueError when kind, number of features or ridge differ.
        """

    @abstractmethod
    def refresh(self) -> None:
        """Recomputes everything derived from the stored sums, by Cholesky factors."""

    # --- snapshots ------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything a policy is, as plain scalars, lists of arms and float64 arrays.

        Refreshes first, so that this policy and one rebuilt from the state go on bit for bit alike.
        """
        self.refresh()
        return {
            "policy": type(self).__name__,
            "version": STATE_VERSION,
            "n_features": self.n_features,
            "alpha": self.alpha,
            "ridge": self.ridge,
            "tie_tolerance": self.tie_tolerance,
            "counts": np.array(self._counts, dtype=np.int64),
            **self._registry.state(),
            **seeding.dump(self._rng),
            **self._sums(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Rebuilds a policy; arrays may have become nested lists (JSON). Raises ValueError when it does not fit."""
        if state.get("policy") != cls.__name__:
            raise ValueError(f"the state is of {state.get('policy')!r}, not of {cls.__name__!r}")
        if state.get("version") != STATE_VERSION:
            raise ValueError(f"state version {state.get('version')!r} is not {STATE_VERSION}")
        policy = cls(**cls._parameters(state))
        policy._registry = ArmRegistry.from_state(state)
        policy._rng = seeding.load(state)
        policy._counts = [int(count) for count in state["counts"]]
        if len(policy._counts) != len(policy._registry.rows):
            raise ValueError("the state's counts do not match its arms")
        policy._load_sums(state)
        policy.refresh()
        return policy

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles go through the state: derived arrays share memory, which copying them would undo.
        return type(self).from_state, (self.state(),)

    @classmethod
    def _parameters(cls, state: dict[str, Any]) -> dict[str, Any]:
        return {name: state[name] for name in ("n_features", "alpha", "ridge", "tie_tolerance")}

    # --- for subclasses -------------------------------------------------------------------------

    @abstractmethod
    def _empty(self) -> None:
        """Sets up the statistics of a policy without arms."""

    @abstractmethod
    def _grow(self) -> None:
        """Makes room for the arm that was just registered."""

    @abstractmethod
    def _point(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """Means and variance factors of one context for some rows."""

    @abstractmethod
    def _block(self, X: np.ndarray, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Means and variance factors, each (n, k), of many contexts for some rows."""

    @abstractmethod
    def _sums(self) -> dict[str, Any]:
        """Copies of the sufficient statistics, by name."""

    @abstractmethod
    def _load_sums(self, state: dict[str, Any]) -> None:
        """Takes the sufficient statistics from a state; raises ValueError for a wrong shape."""

    def _bounds(self, x: np.ndarray, rows: tuple[int, ...]) -> list[float]:
        means, variances = self._point(x, rows)
        alpha, root = self.alpha, math.sqrt
        # Rounding can leave a variance a hair below zero.
        scores = [m + alpha * root(v) if v > 0.0 else m for m, v in zip(means, variances, strict=True)]
        if not math.isfinite(sum(scores)):
            raise ValueError("the context holds values that are not finite, or too large to score")
        return scores

    def _ties(self, scores: list[float]) -> list[int]:
        best = max(scores)
        least = best - self.tie_tolerance * max(1.0, abs(best))
        return [position for position, score in enumerate(scores) if score >= least]

    def _context(self, x: ArrayLike) -> np.ndarray:
        context = np.asarray(x, dtype=np.float64)
        if context.shape != (self.n_features,):
            raise ValueError(f"the context has shape {context.shape}, not ({self.n_features},)")
        return context

    def _contexts(self, X: ArrayLike) -> np.ndarray:
        contexts = np.asarray(X, dtype=np.float64)
        if contexts.ndim != 2 or contexts.shape[1] != self.n_features:
            raise ValueError(f"the contexts have shape {contexts.shape}, not (n, {self.n_features})")
        if not np.isfinite(contexts).all():
            raise ValueError(f"context {int(np.argmin(np.isfinite(contexts).all(axis=1)))} is not finite")
        return contexts

    def _batch(
        self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Checked contexts (n, d), rows (n,) and rewards (n,) of a batch to learn from."""
        contexts = self._contexts(X)
        rows = self._registry.rows_of(arms)
        earned = np.asarray(rewards, dtype=np.float64)
        if not rows.shape == earned.shape == contexts.shape[:1]:
            raise ValueError(
                f"{len(contexts)} contexts, {rows.shape} arms and {earned.shape} rewards do not match"
            )
        if not np.isfinite(earned).all():
            raise ValueError(f"reward {int(np.argmin(np.isfinite(earned)))} is not finite")
        return contexts, rows, earned

    def _check_mergeable(self, other: LinearPolicy) -> None:
        if type(other) is not type(self):
            raise TypeError(f"cannot merge {type(other).__name__} into {type(self).__name__}")
        for name in ("n_features", "ridge"):
            if getattr(self, name) != getattr(other, name):
                raise ValueError(
                    f"cannot merge: {name} is {getattr(self, name)} here, {getattr(other, name)} there"
                )
