"""The committed OpenAPI document is the one that the API serves, and it names every operation of the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from creatives.models import ApiKey
from tests import factories

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
OPERATIONS = {
    ("/api/v1/decisions", "post"),
    ("/api/v1/events", "post"),
    ("/api/v1/catalogs/{merchant}", "post"),
    ("/api/v1/imports/{import_id}", "get"),
    ("/api/v1/creatives", "get"),
    ("/api/v1/creatives", "post"),
    ("/api/v1/creatives/{creative_id}", "get"),
}


@pytest.mark.django_db
def test_the_document_is_served_and_committed(client: Client) -> None:
    _, key = ApiKey.issue(merchant=factories.merchant())
    served = client.get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {key}"})
    assert served.status_code == 200
    assert served.json() == json.loads(DOCUMENT.read_text()), "run: make openapi"


def test_every_operation_of_the_contract_is_there() -> None:
    paths = json.loads(DOCUMENT.read_text())["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} >= OPERATIONS
