"""`simulate --truth`: shoppers with known click rates go through the HTTP API; the report's intervals cover the truth."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from bandit import serving
from bandit.experiments import ensure_default_experiments
from bandit.models import Click, Experiment, Impression, Layer
from bandit.rollups import roll_up
from creatives.models import ApiKey
from tests import factories
from tests.bandit_rows import Shop

IMPRESSIONS = 1200
BASE, GENERATED, FACTORS = 0.1, 2.0, (1.5, 1.0, 0.5)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Three products, each with an approved picture of each prompt; the server's luck is the same in every run."""
    settings.PUBLIC_BASE_URL = live_server.url
    rng = np.random.default_rng(5)
    luck = SimpleNamespace(random=SimpleNamespace(default_rng=lambda: rng))
    monkeypatch.setattr(serving, "np", luck)
    made = Shop(prompts=3, attribution_minutes=60)
    for product in [*made.products, made.product(), made.product()]:
        for version in made.versions:
            made.approve(product, version)
    ensure_default_experiments()
    Experiment.objects.update(salt="e" * 32)
    Layer.objects.update(salt="f" * 32)
    return made


def truth_file(folder: Path, shop: Shop) -> Path:
    """Every shopper's rate is 0.3, 0.2 or 0.1 by prompt, whoever they are."""
    prompts = {str(version.prompt_id): factor for version, factor in zip(shop.versions, FACTORS, strict=True)}
    segments = [
        {"name": device, "share": 1, "features": {"device": device, "age": age}, "prompts": prompts}
        for device, age in (("mobile", 25), ("desktop", 45))
    ]
    path = folder / "truth.json"
    path.write_text(json.dumps({"base_rate": BASE, "generated": GENERATED, "segments": segments}))
    return path


def simulate(shop: Shop, truth: Path, *options: str) -> None:
    call_command(
        "simulate",
        *("--impressions", str(IMPRESSIONS), "--seed", "7", "--truth", str(truth), "--rate", "0", "--json"),
        *("--merchant", shop.merchant.slug, "--placement", shop.placement.slug, *options),
    )


def rows(client: Client, shop: Shop, split: str) -> dict[str, dict[str, Any]]:
    """The rows of the report as its JSON export has them, by key."""
    answer = client.get(f"/reports/export.json?merchant={shop.merchant.slug}&split={split}").json()
    return {row["key"]: row for row in answer["rows"]}


def test_the_reports_intervals_cover_the_truth(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], client: Client
) -> None:
    simulate(shop, truth_file(tmp_path, shop))
    tally = json.loads(capsys.readouterr().out)
    assert (tally["impressions"], tally["shown"]) == (IMPRESSIONS, {"generated": IMPRESSIONS})
    assert (tally["errors"], tally["events"]["rejected"], tally["events"]["duplicates"]) == ({}, 0, 0)
    assert Impression.objects.filter(is_simulated=True).count() == IMPRESSIONS
    assert Click.objects.count() == tally["clicks"]
    assert not ApiKey.objects.filter(recommender__name="simulator", revoked_at=None).exists()

    roll_up()
    client.force_login(factories.member(shop.merchant, "owner"))
    by_arm = rows(client, shop, "arm")
    counts = {
        arm: {"impressions": row["impressions"], "clicks": row["clicks"]} for arm, row in by_arm.items()
    }
    assert counts == tally["arms"]
    assert {row["simulated_impressions"] for row in by_arm.values()} == {
        arm["impressions"] for arm in tally["arms"].values()
    }
    mean = BASE * GENERATED * sum(FACTORS) / 3  # nothing is learned within the hour: both arms choose evenly
    assert all(row["ctr_low"] <= mean <= row["ctr_high"] for row in by_arm.values())

    by_prompt = rows(client, shop, "prompt")
    truths = {
        str(version.pk): BASE * GENERATED * factor
        for version, factor in zip(shop.versions, FACTORS, strict=True)
    }
    assert by_prompt.keys() == truths.keys()
    for key, rate in truths.items():
        assert by_prompt[key]["ctr_low"] <= rate <= by_prompt[key]["ctr_high"]
    (base,) = (key for key, row in by_prompt.items() if row["baseline"])
    for key in truths.keys() - {base}:
        gain = truths[key] / truths[base] - 1
        assert by_prompt[key]["gain_low"] <= gain <= by_prompt[key]["gain_high"]
    page = client.get(f"/reports/?merchant={shop.merchant.slug}").content.decode()
    assert "simulated" in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"base_rate": 1.5, "segments": [{"share": 1}]}',
            "base_rate: a number from 0 to 1 is expected, not 1.5",
        ),
        ("{", "not JSON"),
        (None, "No such file"),
    ],
)
def test_a_truth_that_cannot_be_used_shows_nothing(
    shop: Shop, tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "truth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CommandError, match=message) as refused:
        simulate(shop, path)
    assert refused.value.returncode == 2
    assert str(path) in str(refused.value)
    assert not Impression.objects.exists()
    assert not ApiKey.objects.filter(recommender__isnull=False).exists()
