"""The plan of the house: imports point one way, the pure rooms stay pure, the site never loads the model's libraries."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("config", "creatives", "review", "bandit", "training", "benchmarks")
LIMIT = 500


def modules(folder: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts)


def imported(path: Path) -> set[str]:
    """Dotted names of everything ``path`` imports, inside functions too."""
    found: set[str] = set()
    package = ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            found.add(f"{base}{node.module or ''}".strip("."))
    return found


def offenders(folder: str, *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in sorted(imported(path))
        if any(name == root or name.startswith(f"{root}.") for root in forbidden)
    ]


def test_creatives_knows_nothing_of_review_or_bandit() -> None:
    assert offenders("creatives", "review", "bandit") == []


def test_review_and_bandit_do_not_know_each_other() -> None:
    assert offenders("review", "bandit") == []
    assert offenders("bandit", "review") == []


@pytest.mark.parametrize("folder", ["creatives/pipeline", "creatives/feeds"])
def test_pipeline_and_feeds_are_free_of_django(folder: str) -> None:
    assert offenders(folder, "django", "ninja", "rq", "django_rq", "config") == []


def test_the_mathematics_of_the_bandit_needs_numpy_and_scipy_only() -> None:
    rooms = "bandit.linucb, bandit.estimators, bandit.features, bandit.statistics, bandit.assignment"
    code = f"import sys, {rooms}; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_web_processes_never_import_the_models_libraries() -> None:
    code = (
        "import sys, config.wsgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "print(sorted({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_every_module_can_be_read_at_a_sitting() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for folder in OURS
        for path in modules(folder)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LIMIT} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 100
