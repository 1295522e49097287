"""The HTTP API: one NinjaAPI, routers from the apps, every error as RFC 9457 problem+json."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from bandit.api import router as bandit_router
from config.problems import problem, problem_response
from creatives.api_auth import ApiKeyAuth
from creatives.api_catalog import router as catalog_router
from creatives.api_creatives import router as creatives_router

__all__ = ["api", "problem", "problem_response"]

api = NinjaAPI(title="Product studio", version="1", auth=ApiKeyAuth(), docs_url=None, urls_namespace="api")


@api.exception_handler(AuthenticationError)
def _unauthenticated(request: HttpRequest, error: Any) -> HttpResponse:
    response = problem_response(401, "Unauthorized", "Send a valid key as 'Authorization: Bearer <key>'.")
    response["WWW-Authenticate"] = "Bearer"
    return response


def _field(location: tuple[str | int, ...]) -> str:
    """The path of a field as the caller wrote it: without "body" and the name of our parameter."""
    ours = 2 if location[0] == "body" else 1
    return ".".join(str(part) for part in location[ours:]) or str(location[0])


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [
        {
            "field": _field(item["loc"]),
            "message": item["msg"],
        }
        for item in error.errors
    ]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in errors)
    return problem_response(422, "Unprocessable content", detail, errors=errors)


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    titles = {
        400: "Bad request",
        403: "Forbidden",
        404: "Not found",
        409: "Conflict",
        413: "Content too large",
    }
    return problem_response(error.status_code, titles.get(error.status_code, "Error"), str(error))


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(404, "Not found")


for router in (catalog_router, creatives_router, bandit_router):
    api.add_router("", router)
