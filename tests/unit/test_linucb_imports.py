"""The mathematics can be lifted out: it imports neither Django nor, until needed, statsmodels."""

import subprocess
import sys

import pytest

PURE = ["assignment", "exploration", "features", "linucb", "offline", "sequential", "snapshot", "statistics"]


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_loads_without_django(module):
    code = (
        f"import sys, bandit.{module};"
        "print(sorted({'django', 'statsmodels', 'pandas', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
