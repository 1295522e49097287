"""bfloat16 in training only where the processor has instructions for it."""

from __future__ import annotations

import pytest
import torch

from training import precision


@pytest.mark.parametrize(("has_them", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_products_of_matrices_are_in_bfloat16_where_that_is_no_emulation(
    monkeypatch: pytest.MonkeyPatch, has_them: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: has_them)
    with precision.half_precision():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
