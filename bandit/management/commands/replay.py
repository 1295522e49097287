"""`manage.py replay LOG`: what a policy would have earned on a logged file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bandit.estimators import Estimate
from bandit.offline import POLICIES, Evaluation, evaluate
from bandit.replay_log import LogError, ReplayLog, read_log

_NAMES = {"replay": "replay", "ips": "IPS", "snips": "SNIPS", "dr": "DR"}


class Command(BaseCommand):
    help = (
        "Off-policy evaluation of a log (CSV or Parquet: arm, reward, propensity, x0 … xN; a row per "
        "impression, in time order). The policy starts afresh and learns as it goes."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("log", metavar="LOG", type=Path)
        parser.add_argument("--policy", required=True, choices=sorted(POLICIES))
        parser.add_argument(
            "--alpha", type=float, default=1.0, help="exploration bonus, at least 0 (default 1)"
        )
        parser.add_argument("--seed", type=int, default=0, help="for ties and samples (default 0)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path, name, alpha, seed = options["log"], options["policy"], options["alpha"], options["seed"]
        if not (math.isfinite(alpha) and alpha >= 0.0):
            raise CommandError(f"--alpha must be finite and at least 0, not {alpha}", returncode=2)
        if seed < 0:
            raise CommandError(f"--seed must be at least 0, not {seed}", returncode=2)
        try:
            log = read_log(path)
            evaluation = evaluate(POLICIES[name](log.contexts.shape[1], alpha, seed), log, seed)
        except LogError as error:
            raise CommandError(str(error), returncode=2) from error
        except ValueError as error:
            raise CommandError(f"{path}: {error}", returncode=2) from error
        if options["json"]:
            report = {
                "log": str(path),
                "policy": name,
                "alpha": alpha,
                "seed": seed,
                **_report(log, evaluation),
            }
            self.stdout.write(json.dumps(report, indent=2, allow_nan=False))
        else:
            self._print(f"{name}, alpha {alpha:g}", log, evaluation)

    def _print(self, title: str, log: ReplayLog, evaluation: Evaluation) -> None:
        self.stdout.write(f"{title}: {len(log):,} impressions, arms {', '.join(log.arms)}")
        self.stdout.write(f"{'':8} {'value':>10}  {'95 % interval':^23} {'rows':>10} {'effective':>10}")
        self.stdout.write(_line("logged", evaluation.logged))
        for name, estimate in evaluation.estimates.items():
            self.stdout.write(_line(_NAMES[name], estimate))
        for warning in evaluation.warnings:
            self.stdout.write(self.style.WARNING(f"note: {warning}"))


def _line(name: str, estimate: Estimate) -> str:
    interval = f"{estimate.low:>10.6f} … {estimate.high:<10.6f}"
    return (
        f"{name:8} {estimate.value:>10.6f}  {interval} {estimate.rows:>10,} {estimate.effective_rows:>10,.0f}"
    )


def _report(log: ReplayLog, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "rows": len(log),
        "arms": list(log.arms),
        "logged": _numbers(evaluation.logged),
        "estimates": {name: _numbers(estimate) for name, estimate in evaluation.estimates.items()},
        "warnings": list(evaluation.warnings),
    }


def _numbers(estimate: Estimate) -> dict[str, float | int | None]:
    """JSON has neither NaN nor infinity: what the data cannot tell is null."""
    return {name: value if math.isfinite(value) else None for name, value in vars(estimate).items()}
