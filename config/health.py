"""Health of the process, readiness of what it needs, and metrics for Prometheus."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, Redis and migrations are in order, else 503 naming what is not."""
    checks = {"database": _database(), "redis": _redis(), "migrations": _migrations()}
    ready = all(state == "ok" for state in checks.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", **checks}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format."""
    from config.metrics import render

    return HttpResponse(render(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError as error:
        return f"unavailable: {type(error).__name__}"
    return "ok"


def _redis() -> str:
    import django_rq
    from redis import RedisError

    try:
        django_rq.get_connection("default").ping()
    except RedisError as error:
        return f"unavailable: {type(error).__name__}"
    return "ok"


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return f"unavailable: {type(error).__name__}"
    return f"{len(plan)} to apply" if plan else "ok"
