"""Health, readiness and metrics."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client, override_settings

from tests import factories

pytestmark = pytest.mark.django_db


def test_healthz_needs_nothing(client: Client, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_says_ok_for_each_part(client: Client) -> None:
    response = client.get("/readyz")
    assert response.json() == {"status": "ok", "database": "ok", "redis": "ok", "migrations": "ok"}


@override_settings(
    RQ_QUEUES={"default": {"URL": "unix:///nowhere/redis.sock", "DEFAULT_TIMEOUT": 1}},
)
def test_readyz_names_a_missing_redis(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    monkeypatch.setattr(
        "django_rq.get_connection", lambda name: redis.Redis(unix_socket_path="/nowhere/redis.sock")
    )
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["redis"].startswith("unavailable: ")
    assert response.json()["database"] == "ok"


def test_readyz_counts_missing_migrations(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("delete from django_migrations where app = 'review'")
        removed = cursor.rowcount
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["migrations"] == f"{removed} to apply"


def test_metrics_count_rows_and_requests_by_route(client: Client) -> None:
    merchant = factories.merchant()
    version = factories.prompt_version(factories.category())
    merchant.creativerequest_set.create(
        image_sha256="0" * 64, prompt_version=version, bucket="256x256", layout="l", pipeline_version="p"
    )
    client.get("/healthz")
    text = client.get("/metrics").content.decode()
    assert 'studio_creative_requests{status="queued"} 1.0' in text
    assert 'studio_http_requests_total{method="GET",route="healthz",status="200"}' in text


def test_a_request_id_is_echoed_only_when_well_formed(client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    assert client.get("/healthz", headers={"X-Request-ID": "a b\n"})["X-Request-ID"] != "a b\n"
