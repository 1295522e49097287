"""/experiments/: who sees what, who may change it, and what is said of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from bandit.experiment_designs import READY_MADE
from bandit.experiments import DEFAULT_ARMS as ARMS
from bandit.experiments import PlanSpec, create_experiment, ensure_default_experiments, start_experiment
from bandit.models import DailyCell, Design, Experiment, ExperimentDay, Layer
from creatives.models import Creative, CreativeRequest, Merchant, PositionedRendition, User
from creatives.services.sizes import current_pipeline_version
from tests import factories
from tests.web.access import build_world

pytestmark = pytest.mark.django_db
PLAN = {"traffic": 100, "enrolled": 100, "baseline": 2, "minimal_gain": 10, "power": 80}
OWN = {"design": "custom", "name": "Photos", **PLAN}
SHARES = {"share_personalised": 60, "share_random": 10, "share_original": 30, "share_positioned": 0}


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def grow(experiment: Experiment, arm: str, users: int, clicks: int, days_ago: int = 2, **fields: int) -> None:
    """A day on which so many users saw one picture each."""
    zeros = dict.fromkeys(("v", "f", "nv", "vv", "nf", "ff"), 0)
    sums = {"users": users, "n": users, "c": clicks, "nn": users, "nc": clicks, "cc": clicks}
    ExperimentDay.objects.create(
        experiment=experiment,
        arm=arm,
        is_simulated=bool(fields.pop("is_simulated", 0)),
        day=timezone.now().date() - timedelta(days=days_ago),
        **zeros | sums | fields,
    )


def running(merchant: Merchant, **plan: Any) -> Experiment:
    return start_experiment(create_experiment(merchant, "Prompts", ARMS, PlanSpec(**plan), "phase_3").pk)


def test_an_owner_sees_their_experiments_only() -> None:
    mine, theirs = factories.merchant(), factories.merchant()
    ensure_default_experiments([mine.pk])
    create_experiment(theirs, "Secret plan", ARMS)
    page = as_(factories.member(mine, "owner")).get("/experiments/").content.decode()
    assert "LinUCB against random prompts" in page
    assert "personalised 80 %" in page
    assert "random 20 % (control)" in page
    for hidden in ("Secret plan", "Plan an experiment", "Change the holdout"):
        assert hidden not in page


def test_a_foreign_experiment_does_not_exist() -> None:
    mine, theirs = factories.merchant(), factories.merchant()
    client, foreign = as_(factories.member(mine, "owner")), create_experiment(theirs, "Secret plan", ARMS)
    for path in ("", "export.csv", "export.json"):
        assert client.get(f"/experiments/{foreign.pk}/{path}").status_code == 404
    for path in ("/experiments/", "/experiments/phases/"):
        assert client.get(path, {"merchant": theirs.slug}).status_code == 404
        assert client.get(path, {"merchant": "nobody"}).status_code == 404


@pytest.mark.parametrize("role", ["owner", "editor", "reviewer"])
def test_only_admins_change_experiments(role: str) -> None:
    merchant = factories.merchant()
    draft = create_experiment(merchant, "Photos", ARMS)
    client = as_(factories.member(merchant, role))
    assert client.get("/experiments/add/").status_code == 403
    ours = {"merchant": merchant.slug}
    assert client.post("/experiments/add/", OWN | SHARES | ours).status_code == 403
    for step in ("start", "stop", "widen", "discard"):
        assert client.post(f"/experiments/{draft.pk}/{step}/", {"enrolled": 50}).status_code == 403
    assert client.post("/experiments/holdout/", {"holdout": 5} | ours).status_code == 403
    assert Client().post(f"/experiments/{draft.pk}/start/")["Location"].startswith("/login/")
    assert Experiment.objects.get().status == "draft"
    assert not Layer.objects.exists()


def test_reviewers_have_no_business_here() -> None:
    merchant = factories.merchant()
    draft = create_experiment(merchant, "Photos", ARMS)
    client = as_(factories.member(merchant, "reviewer"))
    for path in ("", "phases/", f"{draft.pk}/", f"{draft.pk}/export.csv"):
        assert client.get(f"/experiments/{path}").status_code == 403


def test_an_admin_plans_starts_widens_and_stops() -> None:
    merchant, admin = factories.merchant(), factories.admin()
    client = as_(admin)
    made = client.post(
        "/experiments/add/", OWN | SHARES | {"merchant": merchant.slug, "enrolled": 10, "traffic": 50}
    )
    experiment = Experiment.objects.get()
    assert made["Location"] == f"/experiments/{experiment.pk}/"
    assert [(arm.name, arm.kind, arm.share, arm.is_control) for arm in experiment.arms.all()] == [
        ("personalised", "personalised", 60, False),
        ("random", "random", 10, False),
        ("original", "original", 30, True),
    ]
    assert (experiment.traffic, experiment.enrolled, experiment.baseline, experiment.minimal_gain) == (
        50,
        10,
        0.02,
        0.1,
    )
    assert "Not started yet." in client.get(f"/experiments/{experiment.pk}/").content.decode()
    for step, status in (
        ("start", "running"),
        ("widen", "running"),
        ("stop", "stopped"),
        ("start", "stopped"),
    ):
        answer = client.post(f"/experiments/{experiment.pk}/{step}/", {"enrolled": 60})
        assert answer["Location"] == f"/experiments/{experiment.pk}/"
        assert Experiment.objects.get().status == status
    assert Experiment.objects.get().enrolled == 60
    page = client.get(f"/experiments/{experiment.pk}/").content.decode()
    assert "only a draft experiment can be started" in page
    assert f"{admin}: widened to 60 %" in page
    assert (
        "No experiment is running"
        in client.get("/experiments/", {"merchant": merchant.slug}).content.decode()
    )


def test_ready_made_designs() -> None:
    merchant = factories.merchant()
    client = as_(factories.admin())
    page = client.get("/experiments/add/", {"merchant": merchant.slug, "design": "phase_1"}).content.decode()
    assert "Is a generated background worth it" in page
    data = {
        "design": "phase_1",
        "name": "I",
        "share_original": 50,
        "share_positioned": 25,
        "share_generated": 25,
    }
    assert client.post("/experiments/add/", data | PLAN | {"merchant": merchant.slug}).status_code == 302
    assert list(Experiment.objects.get().arms.values_list("name", "kind", "is_control")) == [
        ("original", "original", True),
        ("positioned", "positioned", False),
        ("generated", "random", False),
    ]
    assert client.get("/experiments/add/", {"merchant": merchant.slug, "design": "x"}).status_code == 404


def test_pipeline_against_pipeline_needs_two_versions() -> None:
    made = build_world().creative
    Creative.objects.update(status="in_review")
    client, ours = as_(factories.admin()), {"merchant": "ours", "design": "phase_2"}
    assert "only one version of the pipeline" in client.get("/experiments/add/", ours).content.decode()
    Creative.objects.filter(pk=made.pk).update(status="approved")
    CreativeRequest.objects.update(pipeline_version="0-old")
    page = client.get("/experiments/add/", ours).content.decode()
    assert '<option value="0-old" selected>' in page
    current = current_pipeline_version()
    data = ours | {"name": "II", "share_before": 50, "share_after": 50, **PLAN, "version_before": "0-old"}
    same = client.post("/experiments/add/", data | {"version_after": "0-old"})
    assert "nothing would differ" in same.content.decode()
    assert client.post("/experiments/add/", data | {"version_after": current}).status_code == 302
    arms = Experiment.objects.get(name="II").arms
    assert list(arms.values_list("name", "pipeline_version")) == [("before", "0-old"), ("after", current)]


def test_starting_a_second_one_is_explained() -> None:
    merchant = factories.merchant()
    ensure_default_experiments([merchant.pk])
    draft = create_experiment(merchant, "Photos", ARMS)
    client = as_(factories.admin())
    page = client.post(f"/experiments/{draft.pk}/start/", follow=True).content.decode()
    assert "stop it first" in page
    assert Experiment.objects.get(pk=draft.pk).status == "draft"


def test_the_holdout_is_set_and_explained() -> None:
    merchant = factories.merchant()
    running(merchant, traffic=90)
    client, ours = as_(factories.admin()), {"merchant": merchant.slug}
    assert client.post("/experiments/holdout/", ours | {"holdout": 10}).status_code == 302
    assert Layer.objects.get().holdout == 10
    page = client.post("/experiments/holdout/", ours | {"holdout": 11}, follow=True).content.decode()
    assert "Prompts has those shoppers" in page
    page = client.post("/experiments/holdout/", ours | {"holdout": "many"}, follow=True).content.decode()
    assert "a share from 0 to 50 %" in page
    assert Layer.objects.get().holdout == 10


def test_a_draft_is_discarded() -> None:
    draft = create_experiment(factories.merchant(), "Photos", ARMS)
    answer = as_(factories.admin()).post(f"/experiments/{draft.pk}/discard/")
    assert answer["Location"] == f"/experiments/?merchant={draft.merchant.slug}"
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share_original": 29}, "add up to 99 %"),
        ({"share_original": -1}, "greater than or equal to 0"),
        ({"share_original": "many"}, "whole number"),
        ({"name": ""}, "required"),
        ({"name": "Taken"}, "already has an experiment named"),
        ({"baseline": 90, "minimal_gain": 50}, "cannot be planned"),
        ({"traffic": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(change: dict[str, Any], message: str) -> None:
    merchant = factories.merchant()
    create_experiment(merchant, "Taken", ARMS)
    response = as_(factories.admin()).post(
        "/experiments/add/", OWN | SHARES | {"merchant": merchant.slug} | change
    )
    assert response.status_code == 422
    assert message in response.content.decode()
    assert Experiment.objects.count() == 1


def test_get_changes_nothing() -> None:
    draft = create_experiment(factories.merchant(), "Photos", ARMS)
    for step in ("start", "stop", "widen", "discard"):
        assert as_(factories.admin()).get(f"/experiments/{draft.pk}/{step}/").status_code == 405
    assert as_(factories.admin()).post("/experiments/999999/start/").status_code == 404


def page_of(experiment: Experiment) -> str:
    return (
        as_(factories.member(experiment.merchant, "owner"))
        .get(f"/experiments/{experiment.pk}/")
        .content.decode()
    )


def test_a_running_experiment_shows_always_valid_figures_and_its_progress() -> None:
    experiment = running(factories.merchant(), baseline=0.05, minimal_gain=0.5)
    grow(experiment, "random", 200, 10)
    grow(experiment, "personalised", 800, 60)
    page = page_of(experiment)
    assert "personalised is at +50.0% compared with random, which may be chance" in page
    assert "Keep it running." in page
    assert "valid at every look" in page
    assert 'id="chart-gain"' in page


def test_the_planned_look_is_called_that() -> None:
    experiment = running(factories.merchant(), baseline=0.05, minimal_gain=0.5)
    grow(experiment, "random", 2000, 100)
    grow(experiment, "personalised", 8000, 600)
    page = page_of(experiment)
    assert "personalised gets +50.0% clicks compared with random" in page
    assert "This is the planned analysis" in page
    assert "interval (Fieller)" in page


def test_a_broken_split_is_the_only_thing_that_is_said() -> None:
    experiment = running(factories.merchant())
    grow(experiment, "random", 1000, 100)
    grow(experiment, "personalised", 3000, 600)
    page = page_of(experiment)
    assert "No conclusion: the shoppers did not come in the planned shares" in page
    assert "chart-gain" not in page
    assert "Holm" not in page


def test_harm_and_fallbacks_are_pointed_out() -> None:
    experiment = running(factories.merchant(), baseline=0.05, minimal_gain=0.5)
    grow(experiment, "random", 4000, 400, v=300, nv=300, vv=300)
    grow(experiment, "personalised", 16_000, 400, v=300, nv=300, vv=300, f=4000, nf=4000, ff=4000)
    page = page_of(experiment)
    assert "personalised does harm" in page
    assert "personalised converts worse" in page
    assert "25% of its impressions personalised could not show" in page


def test_simulated_shoppers_are_kept_apart() -> None:
    experiment = running(factories.merchant())
    grow(experiment, "random", 100, 11, is_simulated=1)
    page = page_of(experiment)
    assert "Simulated" in page
    grow(experiment, "random", 50, 5)
    assert "Simulated" not in page_of(experiment)


def test_exports() -> None:
    experiment = running(factories.merchant("shop"))
    grow(experiment, "random", 100, 11, days_ago=3)
    grow(experiment, "random", 100, 20)
    grow(experiment, "personalised", 800, 100)
    client = as_(factories.member(experiment.merchant, "editor"))
    table = client.get(f"/experiments/{experiment.pk}/export.csv")
    assert table["Content-Disposition"] == f'attachment; filename="experiment-shop-{experiment.pk}.csv"'
    assert len(table.content.decode().splitlines()) == 1 + 2 * 2
    found = client.get(f"/experiments/{experiment.pk}/export.json").json()
    assert [row["impressions"] for row in found["rows"] if row["arm"] == "random"] == [100, 200]
    assert found["comparisons"][0]["arm"] == "personalised"
    assert found["conclusion"].startswith("personalised is at -19.4% compared with random")


def test_the_three_phases_side_by_side() -> None:
    merchant = factories.merchant()
    experiment = running(merchant)
    grow(experiment, "random", 200, 30)
    grow(experiment, "personalised", 800, 160)
    page = as_(factories.member(merchant, "owner")).get("/experiments/phases/").content.decode()
    assert "Phase III: random prompt against LinUCB" in page
    assert 'id="phase_3"' in page
    assert page.count("Not run yet.") == 2


def test_the_usual_click_rate_is_proposed() -> None:
    merchant = factories.merchant()
    sums = {"conversions": 0, "value": 0, "weight": 1, "weight_squared": 1, "clicked_weight": 0}
    DailyCell.objects.create(
        merchant=merchant,
        day=timezone.now().date(),
        is_simulated=False,
        arm="",
        arm_kind="personalised",
        placement="home",
        device="mobile",
        variant="generated",
        is_fallback=False,
        impressions=2000,
        clicks=70,
        clicked_weight_squared=0,
        **sums,
    )
    page = as_(factories.admin()).get("/experiments/add/", {"merchant": merchant.slug}).content.decode()
    assert 'name="baseline" value="3.5"' in page


def phase_1_of(merchant: Merchant) -> Experiment:
    made = READY_MADE[Design.PHASE_1]
    return create_experiment(merchant, "Phase I", made.arms, design=made.design)


def test_the_page_says_how_many_pictures_are_there() -> None:
    merchant, client = factories.merchant(), as_(factories.admin())
    for _ in range(2):
        factories.image(factories.product(merchant))
    factories.placement()
    draft = phase_1_of(merchant)
    page = client.get(f"/experiments/{draft.pk}/").content.decode()
    assert "<b>0 of 2</b><small>pictures rendered; the others are once it starts</small>" in page
    client.post(f"/experiments/{draft.pk}/start/")
    held = PositionedRendition.objects.first()
    assert held is not None
    PositionedRendition.objects.filter(pk=held.pk).update(attempts=99)
    PositionedRendition.objects.exclude(pk=held.pk).update(file="creatives/aa/aa.png")
    page = client.get(f"/experiments/{draft.pk}/").content.decode()
    assert "<b>1 of 2</b><small>pictures rendered, <a href=" in page
    assert "1 held back</a>" in page
    assert "<span>Generated</span><b>0 of 2</b>" in page


def test_an_admin_has_the_generated_pictures_painted_ahead() -> None:
    merchant, category = factories.merchant(), factories.category()
    factories.prompt_version(category)
    factories.image(factories.product(merchant, category=category))
    factories.placement()
    draft = phase_1_of(merchant)
    owner = as_(factories.member(merchant, "owner"))
    assert "Ask for what is missing" not in owner.get(f"/experiments/{draft.pk}/").content.decode()
    assert owner.post(f"/experiments/{draft.pk}/ask/").status_code == 403
    assert not CreativeRequest.objects.exists()
    client = as_(factories.admin())
    assert "Ask for what is missing" in client.get(f"/experiments/{draft.pk}/").content.decode()
    page = client.post(f"/experiments/{draft.pk}/ask/", follow=True).content.decode()
    assert "Asked for. Paintings: 1, sizes: 1. They go to review when they are done." in page
    assert CreativeRequest.objects.count() == 1
    page = client.post(f"/experiments/{draft.pk}/ask/", follow=True).content.decode()
    assert "Everything there is to paint has been asked for already." in page


def test_a_catalogue_too_large_to_ask_for_at_once_is_refused_with_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("creatives.services.ahead.MAX_TRIPLETS", 0)
    merchant, category = factories.merchant(), factories.category()
    factories.prompt_version(category)
    factories.image(factories.product(merchant, category=category))
    factories.placement()
    draft = phase_1_of(merchant)
    page = as_(factories.admin()).post(f"/experiments/{draft.pk}/ask/", follow=True).content.decode()
    assert (
        "1 triplets are asked for; the limit is 0 per call. Ask for a part of the catalogue by the API."
        in page
    )
    assert not CreativeRequest.objects.exists()
