"""Do the intervals of experiments and reports cover the truth, and does an A/A test looked at daily stay quiet?

Seeded, so every run says the same. ``COVERAGE_RUNS`` sets how many experiments are simulated for the second, closer figures.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.__main__ import Result

RUNS = 200
MORE_RUNS = int(os.environ.get("COVERAGE_RUNS", "2000"))


def run() -> list[Result]:
    """Shares of simulated experiments, in per cent."""
    import django

    django.setup()
    from bandit.simulation.coverage import Setting, measure

    found: list[Result] = []
    for runs in (RUNS, MORE_RUNS):
        gain, none = measure(Setting(gain=0.2), runs), measure(Setting(gain=0.0), runs)
        uneven = measure(Setting(gain=0.1, share=80.0), runs)
        shares = {
            "planned 95 % interval (Fieller) covers a gain of 20 %": gain.planned,
            "planned interval covers a gain of 10 %, arms 80 : 20": uneven.planned,
            "planned interval covers no gain": none.planned,
            "report's interval (groups of users) covers 20 %": gain.report,
            "report's interval covers no gain": none.report,
            "always-valid interval covers 20 % on all 30 days": gain.always,
            "A/A looked at daily for 30 days: alarms": none.alarms,
            "the same with a plain test: alarms": none.plain_alarms,
            "gain of 20 % found by looking daily": gain.alarms,
        }
        found += [
            {"name": f"{name} ({runs} runs)", "value": round(100 * share, 2), "unit": "% of runs"}
            for name, share in shares.items()
        ]
    return found
