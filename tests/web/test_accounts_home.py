"""The start page says what to do next, for each role."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from creatives.models import ApiKey, Creative, CreativeRequest, Merchant
from tests import factories

pytestmark = pytest.mark.django_db


def _creative(of: Merchant, status: str = "in_review") -> Creative:
    version = factories.prompt_version(factories.category())
    request = CreativeRequest.objects.create(
        merchant=of,
        image_sha256="a" * 64,
        prompt_version=version,
        bucket="256x256",
        layout="s72-s-m8",
        pipeline_version="1",
        status="done",
    )
    return Creative.objects.create(merchant=of, request=request, seed=1, status=status)


def test_a_new_merchant_sees_three_steps(client: Client) -> None:
    client.force_login(factories.member(factories.merchant(), "owner"))

    page = client.get("/").content.decode()

    assert "Three steps to your first creative" in page
    assert "Upload a feed" in page


def test_a_merchant_that_is_set_up_sees_numbers(client: Client) -> None:
    shop = factories.merchant()
    factories.product(shop)
    _creative(shop, "approved")
    ApiKey.issue(merchant=shop)
    client.force_login(factories.member(shop, "owner"))

    response = client.get("/")

    counts = response.context["counts"]
    assert "Three steps" not in response.content.decode()
    assert (counts.products, counts.approved, counts.in_review, counts.live_keys) == (1, 1, 0, 1)


def test_products_without_a_pool_are_counted(client: Client) -> None:
    shop = factories.merchant()
    with_pool = factories.category("Home > Mugs")
    factories.prompt_version(with_pool.parent)
    factories.product(shop, category=with_pool)
    factories.product(shop, category=factories.category("Sports"))
    factories.product(shop)
    factories.product(shop, status="retired")
    client.force_login(factories.member(shop, "editor"))

    counts = client.get("/").context["counts"]

    assert (counts.products, counts.products_without_pool) == (3, 2)


def test_a_reviewer_sees_the_length_of_the_own_queue(client: Client) -> None:
    shop = factories.merchant()
    _creative(shop)
    _creative(factories.merchant())
    client.force_login(factories.member(shop, "reviewer"))

    page = client.get("/").content.decode()

    assert "1 creative to review" in page


def test_an_administrator_sees_the_queue_and_what_is_missing(client: Client) -> None:
    _creative(factories.merchant())
    client.force_login(factories.admin())

    response = client.get("/")

    assert response.context["health"].in_review == 1
    assert [gap.page for gap in response.context["gaps"]] == ["placement-add", "recommender-add"]


def test_someone_without_a_role_is_told_so(client: Client) -> None:
    client.force_login(factories.user())

    assert "No merchant yet" in client.get("/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_catalogue(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    shop = factories.merchant()
    for number in range(12):
        factories.product(shop, category=factories.category(f"Home > Kind {number}"))
    client.force_login(factories.member(shop, "owner"))

    with django_assert_max_num_queries(18):
        client.get("/")
