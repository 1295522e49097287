"""`make bench`: run every module of this package, print a table, write var/bench.json.

A module offers ``run() -> list[Result]``. Pass module names to run only those; options after them are the modules'
own (``python -m benchmarks imports --rows 50000``).
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from itertools import takewhile
from pathlib import Path
from typing import NotRequired, TypedDict

import benchmarks

REPORT = Path("var/bench.json")


class Result(TypedDict):
    """One figure: ``ratio`` is value divided by that of ``versus``, measured in the same run."""

    name: str
    value: float
    unit: str
    versus: NotRequired[str | None]
    ratio: NotRequired[float | None]


def main(arguments: list[str]) -> int:
    """Run the named modules, all by default. Returns 1 if one of them failed, after the others have run."""
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    known = sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")
    )
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    results: list[Result] = []
    failed = []
    for name in names or known:
        print(f"\n{name}", flush=True)
        try:
            found: list[Result] = importlib.import_module(f"benchmarks.{name}").run()
        except Exception as error:  # the other benchmarks still run
            failed.append(name)
            print(f"  failed: {type(error).__name__}: {error}")
            continue
        for result in found:
            versus = f"{result.get('ratio') or 0:8.2f} × {result['versus']}" if result.get("versus") else ""
            print(f"  {result['name']:58} {result['value']:12.4g} {result['unit']:16} {versus}")
        results += found
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\n{len(results)} figures in {REPORT}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
