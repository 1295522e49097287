"""What a linear policy has learned: sums per arm, arms that come and go, priors, forgetting, merging, snapshots.

How it chooses with that is in `bandit.linear`. A subclass keeps the sums themselves.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from bandit import priors, seeding
from bandit.arms import Arm, ArmRegistry
from bandit.forgetting import Discount
from bandit.priors import Prior

STATE_VERSION = 2
NOT_FINITE = "the context or the reward holds values that are not finite, or too large"


class LinearLearner(ABC):
    """Ridge regression of the reward on the context, by arm: A (k, d, d) and b (k, d), whatever else a subclass adds.

    Parameters: `n_features` ≥ 1, length of a context; `alpha` ≥ 0, width of the exploration bonus
    (spread of the sample for Thompson sampling); `ridge` > 0, λ of the ridge regression (1 or more
    keeps rank-1 updates accurate); `seed` for ties and samples, None to take it from the operating
    system; scores within `tie_tolerance` · max(1, |best|) of the best are tied. With a `half_life` > 0
    what was learned fades: rewards come with a time in the same unit, and one that is a half-life older
    counts half.

    Contexts are float64 (n_features,), used as given. Choosing is safe from several threads as long
    as nobody learns at the same time; learning is for one thread.
    """

    _A: np.ndarray
    _b: np.ndarray

    def __init__(
        self,
        n_features: int,
        alpha: float = 1.0,
        ridge: float = 1.0,
        seed: int | None = 0,
        *,
        tie_tolerance: float = 1e-9,
        half_life: float | None = None,
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
        self._discount = None if half_life is None else Discount(half_life)
        self._faded: list[float] = []  # what the counts are worth by now; kept only with a half-life
        self._priors: dict[int, Prior] = {}
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

    @property
    def worth(self) -> dict[Arm, float]:
        """How many rewards each arm's knowledge is worth by now: its count, or less of it with a half-life."""
        worth = self._worth()
        return {arm: worth[row] for arm, row in self._registry.rows.items()}

    @property
    def half_life(self) -> float | None:
        return self._discount.half_life if self._discount else None

    def add_arm(self, arm: Arm, *, prior: Prior | None = None) -> None:
        """Makes an arm eligible. One that was removed comes back with what it learned; an active one stays.

        A new arm starts with A = λI and b = 0, or from `prior` on top of that, which then counts like rewards; an arm
        that is known keeps what it started with. Raises ValueError for a prior that does not fit.
        """
        self._register(arm, prior)

    def prior(self, arms: Iterable[Arm] | None = None, *, strength: float = 100.0) -> Prior:
        """What these arms (default: all that are active) suggest for a new one, worth at most `strength` rewards.

        For a prompt of this pool, or, from the policy of a parent category, for one of another pool with the same
        encoding. Each arm that has learned something has an equal say; see `bandit.priors.pooled`.
        """
        names = self.arms if arms is None else arms
        return priors.pooled([self.learned(arm) for arm in names], self.n_features, strength)

    def learned(self, arm: Arm) -> tuple[np.ndarray, np.ndarray, float]:
        """What an arm's rewards left behind, without ridge and prior: Σ w x xᵀ (d, d), Σ w r x (d,) and Σ w."""
        row = self._registry.row(arm)
        gram, sums = self._A[row] - self.ridge * np.eye(self.n_features), self._b[row].copy()
        if row in self._priors:
            gram -= self._priors[row].gram
            sums -= self._priors[row].sums
        return gram, sums, self._worth()[row]

    def remove_arm(self, arm: Arm) -> None:
        """Makes an arm ineligible; it keeps its statistics and still learns from late rewards."""
        self._registry.remove(arm)

    def reseed(self, seed: int | None) -> None:
        """Starts ties and samples afresh, for instance apart in each process that serves one snapshot."""
        self._rng = seeding.generator(seed)

    # --- learning -------------------------------------------------------------------------------

    @abstractmethod
    def update(self, x: ArrayLike, arm: Arm, reward: float, time: float | None = None) -> None:
        """Learns that `arm` earned `reward` in context x (n_features,). Changes nothing when it raises.

        `time` is needed by a policy with a half-life, and ignored by others.
        """

    @abstractmethod
    def partial_fit(
        self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike, times: ArrayLike | None = None
    ) -> Self:
        """Learns from n rows at once, with the result of n updates: X (n, n_features), arms, rewards and times (n,).

        Changes nothing when it raises.
        """

    def reward(
        self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike, times: ArrayLike | None = None
    ) -> Self:
        """Adds rewards to rows that were learned before, such as clicks that came late; `times` are the rows'.

        Only b changes (and c of a hybrid): a row learned with 0 and rewarded with 1 is a row learned with 1.
        Changes nothing when it raises.
        """
        contexts, rows, earned = self._batch(X, arms, rewards)
        weights = self._batch_weights(times, len(rows))
        for row in np.unique(rows).tolist():
            mine = rows == row
            worth = earned[mine] if weights is None else earned[mine] * weights[mine]
            self._add_rewards(row, contexts[mine].T @ worth)
        self.refresh()
        return self

    def advance(self, time: float) -> None:
        """Lets what was learned fade until `time`, as a reward at that time would. Without a half-life nothing happens."""
        if not math.isfinite(time):
            raise ValueError(f"time must be finite, not {time!r}")
        if self._discount is None:
            return
        factor = self._discount.reach(time)
        if factor < 1.0:
            self._faded = [worth * factor for worth in self._faded]
            self._priors = {row: belief.scaled(factor) for row, belief in self._priors.items()}
            self._fade(factor)

    def merge(self, other: Self) -> Self:
        """Adds what another learner has learned, and its arms; returns this policy.

        Raises TypeError or ValueError when kind, number of features, ridge or half-life differ, or when an arm that
        both know started from different priors.
        """
        self._check_mergeable(other)
        if self._discount is not None and other._discount is not None and other._discount.clock is not None:
            self.advance(other._discount.clock)
            other = self._at_my_clock(other)
        shared = {row for name, row in other._registry.rows.items() if name in self._registry.rows}
        self._registry.union(other._registry)
        strangers = len(self._registry.rows) - len(self._counts)
        self._counts += [0] * strangers
        self._faded += [0.0] * strangers
        self._extend(strangers)
        places = [(self._registry.rows[name], theirs) for name, theirs in other._registry.rows.items()]
        for row, theirs in places:
            self._counts[row] += other._counts[theirs]
            self._faded[row] += other._faded[theirs]
            if theirs in other._priors and theirs not in shared:
                self._priors[row] = other._priors[theirs]
        self._add_sums(other, places, shared)
        self.refresh()
        return self

    def without_rewards(self) -> Self:
        """A policy with these parameters, arms, priors and clock that has learned nothing: to rebuild one from a log."""
        k = len(self._counts)
        nothing = {"counts": np.zeros(k, np.int64), "worth": np.zeros(k)}
        return type(self).from_state({**self.state(), **nothing, **self._bare_sums()})

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
            "half_life": self.half_life,
            "clock": self._discount.clock if self._discount else None,
            "counts": np.array(self._counts, dtype=np.int64),
            "worth": np.array(self._worth(), dtype=np.float64),
            **priors.dump(self._priors, self.n_features),
            **self._registry.state(),
            **seeding.dump(self._rng),
            **self._sums(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Rebuilds a policy; arrays may have become nested lists (JSON). Raises ValueError when it does not fit."""
        if state.get("policy") != cls.__name__:
            raise ValueError(f"the state is of {state.get('policy')!r}, not of {cls.__name__!r}")
        if state.get("version") not in range(1, STATE_VERSION + 1):
            raise ValueError(f"state version {state.get('version')!r} is not one of 1 to {STATE_VERSION}")
        policy = cls(**cls._parameters(state))
        policy._registry = ArmRegistry.from_state(state)
        policy._rng = seeding.load(state)
        policy._counts = [int(count) for count in state["counts"]]
        policy._faded = [float(worth) for worth in state.get("worth", state["counts"])]
        if not len(policy._counts) == len(policy._faded) == len(policy._registry.rows):
            raise ValueError("the state's counts do not match its arms")
        if policy._discount is not None:
            policy._discount = Discount(policy._discount.half_life, state.get("clock"))
        policy._load_sums(state)
        policy._priors = priors.load(state, len(policy._counts), policy.n_features)
        policy.refresh()
        return policy

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles go through the state: derived arrays share memory, which copying them would undo.
        return type(self).from_state, (self.state(),)

    @classmethod
    def _parameters(cls, state: dict[str, Any]) -> dict[str, Any]:
        named = {name: state[name] for name in ("n_features", "alpha", "ridge", "tie_tolerance")}
        return {**named, "half_life": state.get("half_life")}

    # --- for subclasses -------------------------------------------------------------------------

    def _register(self, arm: Arm, prior: Prior | None, **details: Any) -> None:
        """Activates an arm; one that is new gets room for its sums, its `details` and its prior."""
        if prior is not None:
            prior.check(self.n_features)
        if self._registry.add(arm):
            row = len(self._counts)
            self._counts.append(0)
            self._faded.append(0.0)
            self._grow(**details)
            if prior is not None and prior.strength > 0.0:
                self._believe(row, prior)

    @abstractmethod
    def _empty(self) -> None:
        """Sets up the statistics of a policy without arms."""

    @abstractmethod
    def _grow(self, **details: Any) -> None:
        """Makes room for the arm that was just registered, derived arrays included."""

    @abstractmethod
    def _extend(self, arms: int) -> None:
        """Makes room for more arms with A = λI and b = 0; `refresh` comes later."""

    @abstractmethod
    def _believe(self, row: int, prior: Prior) -> None:
        """Takes a prior on an arm that was just added: into `_priors` and into the sums."""

    @abstractmethod
    def _add_rewards(self, row: int, sums: np.ndarray) -> None:
        """Adds Σ r x (d,) to an arm's rewards."""

    @abstractmethod
    def _fade(self, factor: float) -> None:
        """Multiplies all that was learned by `factor` in (0, 1); the ridge stays."""

    @abstractmethod
    def _sums(self) -> dict[str, Any]:
        """Copies of the sufficient statistics, by name."""

    @abstractmethod
    def _bare_sums(self) -> dict[str, Any]:
        """What `_sums` would be without any reward: ridge and priors."""

    @abstractmethod
    def _load_sums(self, state: dict[str, Any]) -> None:
        """Takes the sufficient statistics from a state; raises ValueError for a wrong shape."""

    def _bare(self) -> dict[str, np.ndarray]:
        """A and b of all arms without any reward: ridge and priors."""
        A, b = np.zeros_like(self._A), np.zeros_like(self._b)
        A += self.ridge * np.eye(self.n_features)
        for row, prior in self._priors.items():
            A[row] += prior.gram
            b[row] += prior.sums
        return {"A": A, "b": b}

    def _add_sums(self, other: Self, places: list[tuple[int, int]], shared: set[int]) -> None:
        """Adds another's sums: `places` are (row here, row there) of its arms, `shared` its rows known here before."""
        ridge, bare = self.ridge * np.eye(self.n_features), other._bare()
        for row, theirs in places:
            known = theirs in shared
            self._A[row] += other._A[theirs] - (bare["A"][theirs] if known else ridge)
            self._b[row] += other._b[theirs] - (bare["b"][theirs] if known else 0.0)

    def _worth(self) -> list[float]:
        return self._faded if self._discount else [float(count) for count in self._counts]

    def _weight(self, x: np.ndarray, reward: float, time: float | None) -> float:
        """Lets what was learned fade until `time`, unless x or reward will be refused, and weighs a reward at it."""
        assert self._discount is not None
        if time is None:
            raise ValueError("a policy that forgets needs the time of each reward")
        if not math.isfinite(float(x.dot(x)) + reward):
            raise ValueError(NOT_FINITE)
        self.advance(time)
        assert self._discount.clock is not None
        return self._discount.factor(time, self._discount.clock)

    def _batch_weights(self, times: ArrayLike | None, n: int) -> np.ndarray | None:
        """Weights (n,) of rewards at `times`, after letting what was learned fade until the last; None: all are 1."""
        if self._discount is None or n == 0:
            return None
        if times is None:
            raise ValueError("a policy that forgets needs the time of each reward")
        instants = np.asarray(times, dtype=np.float64)
        if instants.shape != (n,):
            raise ValueError(f"{n} contexts and times of shape {instants.shape} do not match")
        if not np.isfinite(instants).all():
            raise ValueError(f"time {int(np.argmin(np.isfinite(instants)))} is not finite")
        self.advance(float(instants.max()))
        return self._discount.weights(instants)

    def _at_my_clock(self, other: Self) -> Self:
        """`other`, or a copy of it that has faded until this policy's clock."""
        assert self._discount is not None
        assert self._discount.clock is not None
        if other._discount is not None and other._discount.clock == self._discount.clock:
            return other
        copy = type(self).from_state(other.state())
        copy.advance(self._discount.clock)
        return copy

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

    def _check_mergeable(self, other: LinearLearner) -> None:
        if type(other) is not type(self):
            raise TypeError(f"cannot merge {type(other).__name__} into {type(self).__name__}")
        for name in ("n_features", "ridge", "half_life"):
            if getattr(self, name) != getattr(other, name):
                raise ValueError(
                    f"cannot merge: {name} is {getattr(self, name)} here, {getattr(other, name)} there"
                )
        for arm, theirs in other._registry.rows.items():
            row = self._registry.rows.get(arm)
            if row is not None and not self._started_alike(row, other, theirs):
                raise ValueError(f"cannot merge: arm {arm!r} started from another prior there")

    def _started_alike(self, row: int, other: LinearLearner, theirs: int) -> bool:
        mine, yours = self._priors.get(row), other._priors.get(theirs)
        if mine is None or yours is None:
            return mine is yours
        if self._discount is not None and other._discount is not None:
            here, there = self._discount.clock, other._discount.clock
            if here is not None and there is not None:
                older = self._discount.factor(min(here, there), max(here, there))
                mine, yours = (mine, yours.scaled(older)) if here > there else (mine.scaled(older), yours)
        return mine.resembles(yours)
