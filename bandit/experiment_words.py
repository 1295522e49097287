"""What an experiment has shown, in words no stronger than the data."""

from __future__ import annotations

from bandit.experiment_analysis import MAX_FALLBACK, MIN_CLICKS, Analysis, Comparison
from bandit.experiment_results import Result
from bandit.models import Experiment

STATUS = Experiment.Status


def conclusion(result: Result) -> str:
    """The finding, the most important first: a broken split, harm, a result, or what is missing."""
    analysis, experiment = result.analysis, result.experiment
    if experiment.status == STATUS.DRAFT:
        return "Not started yet."
    if len(result.plan.shares) < 2:
        return "One arm alone is nothing to compare."
    if analysis.is_blocked:
        return _broken_split(analysis)
    if not analysis.comparisons:
        return (
            f"Too few clicks to compare yet: every arm needs {MIN_CLICKS} of them."
            if experiment.status == STATUS.RUNNING
            else f"It ended with too few clicks to compare: every arm needs {MIN_CLICKS} of them."
        )
    sentences = [_verdict(row, result) for row in analysis.comparisons]
    return " ".join([*sentences, *_guardrails(analysis), _what_now(result)]).strip()


def tone(result: Result) -> str:
    """The colour of the conclusion: "good", "bad", "warn" or none."""
    analysis = result.analysis
    if analysis.is_blocked:
        return "bad"
    if any(guardrail.is_hurt for guardrail in analysis.guardrails):
        return "warn"
    verdicts = {row.verdict for row in analysis.comparisons}
    return "good" if "better" in verdicts else "warn" if "worse" in verdicts else ""


def _broken_split(analysis: Analysis) -> str:
    total = sum(sums.users for sums in analysis.sums.values())
    shares = analysis.plan.shares
    came = ", ".join(
        f"{arm} {sums.users:,} instead of about {total * shares[arm] / sum(shares.values()):,.0f}"
        for arm, sums in analysis.sums.items()
    )
    return (
        f"No conclusion: the shoppers did not come in the planned shares ({came}; p = {analysis.sample_ratio.p_value:.2g}). "
        "Something is wrong with the assignment, or one arm's events are lost; until that is found, the click rates "
        "mean nothing."
    )


def _verdict(row: Comparison, result: Result) -> str:
    control = result.plan.control
    span = f"95 % interval {_percent(row.interval.low)} to {_percent(row.interval.high)}"
    if row.verdict == "better":
        return f"{row.arm} gets {row.gain:+.1%} clicks compared with {control} ({span})."
    if row.verdict == "worse":
        return f"{row.arm} does harm: {row.gain:+.1%} clicks compared with {control} ({span})."
    if result.analysis.is_final:
        return (
            f"No difference was found between {row.arm} and {control}: {row.gain:+.1%} ({span}). A true gain of "
            f"{result.plan.gain:+.0%} would have been found with a probability of {result.plan.power:.0%}."
        )
    return f"{row.arm} is at {row.gain:+.1%} compared with {control}, which may be chance ({span})."


def _guardrails(analysis: Analysis) -> list[str]:
    words = []
    for guardrail in analysis.guardrails:
        if guardrail.is_hurt and guardrail.metric == "conversions" and guardrail.gain is not None:
            words.append(f"Watch out: {guardrail.arm} converts worse ({guardrail.gain:+.1%}).")
        elif guardrail.is_hurt and guardrail.metric == "fallbacks":
            words.append(
                f"Watch out: in {guardrail.value:.0%} of its impressions {guardrail.arm} could not show what it is meant to "
                f"(more than {MAX_FALLBACK:.0%}), which blurs the comparison."
            )
    return words


def _what_now(result: Result) -> str:
    analysis, experiment = result.analysis, result.experiment
    is_running = experiment.status == STATUS.RUNNING
    if analysis.is_final:
        assert analysis.day is not None
        words = f"This is the planned analysis, as of {analysis.day:%-d %B %Y}."
        return f"{words} The experiment can be stopped." if is_running else words
    if not is_running:
        return "It was stopped before its planned size, so these are the figures that hold at any moment."
    left = result.days_to_go
    pace = f", about {left} more day{'s' if left != 1 else ''} at this pace" if left else ""
    words = f"{analysis.progress:.0%} of the planned impressions are there{pace}."
    if any(row.verdict != "unclear" for row in analysis.comparisons):
        return f"{words} The interval holds at every look, so it may be stopped now; running on makes the gain more exact."
    return f"{words} Keep it running."


def _percent(value: float) -> str:
    return "without limit" if value == float("inf") else f"{value:+.1%}"
