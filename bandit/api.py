"""The decision and event API, under ``/api/v1/``."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from ninja import Body, Router
from ninja.errors import HttpError
from pydantic import ValidationError

from bandit.events import MAX_BATCH, Event, record_events
from bandit.features import FeatureError, encoding
from bandit.plans import DecisionRequest
from bandit.schemas import DecisionsIn, DecisionsOut, EventIn, EventsIn, EventsOut, ItemIn
from bandit.serving import Decision, ServingMemory, decide
from bandit.tokens import seal
from config.problems import problem, problem_response
from creatives.api_auth import ApiKeyAuth, live_key, merchants_of
from creatives.models import ApiKey, Merchant

MAX_FEATURE_BYTES = {"user": 1000, "placement": 500}  # what fits a token with the longest of everything else
memory = ServingMemory()


def _known_key(request: HttpRequest, secret: str) -> ApiKey | None:
    """The live key of ``secret``, from memory while nothing has changed; a revoked one is gone with the next request."""
    config = request.config = memory.config.view()  # type: ignore[attr-defined]
    return config.many("key", [secret], lambda unknown: {secret: live_key(secret)}).get(secret)


def _merchants(request: HttpRequest) -> list[Merchant]:
    """The merchants that the request's key may act for, from memory while nothing has changed."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    known = request.config.many("merchants", [key.pk], lambda unknown: {key.pk: merchants_of(key)})  # type: ignore[attr-defined]
    return list(known[key.pk])


router = Router(tags=["decisions"], auth=ApiKeyAuth(_known_key))


@router.post("/decisions", response={200: DecisionsOut}, summary="Which picture to show for each item")
def decisions(request: HttpRequest, payload: DecisionsIn) -> HttpResponse:
    """Answers every item, with the original image where there is nothing better yet."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    wanted = DecisionRequest(
        user_id=payload.user.id,
        user=payload.user.features,
        placement_id=payload.placement.id,
        width=payload.placement.width,
        height=payload.placement.height,
        placement=payload.placement.features,
        items=[(item.merchant, item.id) for item in payload.items],
        is_simulated=key.recommender is not None and key.recommender.is_simulator,
    )
    try:
        _check_features(wanted)
    except FeatureError as error:
        message = str(error).removeprefix(error.field).strip()
        errors = [{"field": error.field, "message": message}]
        return problem_response(422, "Unprocessable content", str(error), errors=errors)
    merchants = {merchant.slug: merchant for merchant in _merchants(request)}
    decided = decide(wanted, merchants, memory, request.config)  # type: ignore[attr-defined]
    answers = zip(payload.items, decided, strict=True)
    # Built by hand: checking a hundred answers against their schema would cost more than making them.
    return JsonResponse({"decisions": [_answer(item, decision) for item, decision in answers]})


@router.post("/events", response={202: EventsOut}, summary="Report impressions, clicks and conversions")
def events(request: HttpRequest, payload: EventsIn = Body(...)) -> HttpResponse:  # noqa: B008
    """Takes ``{"events": [...]}`` or the bare list, up to 1000 events. Sending a batch twice changes nothing."""
    batch = payload.get("events") if isinstance(payload, dict) else payload
    if not isinstance(batch, list):
        raise HttpError(422, "events: must be a list of events")
    if len(batch) > MAX_BATCH:
        raise HttpError(413, f"events: {len(batch)} in one batch, at most {MAX_BATCH}")
    good, rejected = _parsed(batch)
    merchant_ids = {merchant.pk for merchant in _merchants(request)}
    receipt = record_events([event for _, event in good], merchant_ids)
    for refusal in receipt.rejected:
        rejected.append({"index": good[refusal["index"]][0], "reason": refusal["reason"]})
    rejected.sort(key=lambda refusal: refusal["index"])
    answer = {"accepted": receipt.accepted, "duplicates": receipt.duplicates, "rejected": rejected}
    return JsonResponse(answer, status=202)


def _check_features(request: DecisionRequest) -> None:
    """Raises FeatureError for features that cannot be encoded, or that would not fit a token."""
    encoding().encode(request.user, {}, request.placement_features)
    for source, features in (("user", request.user), ("placement", request.placement)):
        size = len(json.dumps(features, ensure_ascii=False, separators=(",", ":")).encode())
        if size > (limit := MAX_FEATURE_BYTES[source]):
            raise FeatureError(source, None, f"take {size} bytes as JSON; at most {limit} are allowed")


def _answer(item: ItemIn, decision: Decision | None) -> dict[str, Any]:
    asked = {"merchant": item.merchant, "id": item.id}
    if decision is None:
        detail = (
            f"There is no active product {item.id!r} of a merchant {item.merchant!r} that this key may use."
        )
        return {"item": asked, "error": problem(404, "Unknown item", detail)}
    token, outcome, text = decision.token, decision.outcome, seal(decision.token)
    picture, prompt = outcome.picture, decision.prompt
    return {
        "item": asked,
        "decision_id": str(token.decision_id),
        "variant": str(outcome.variant),
        "is_fallback": outcome.is_fallback,
        "image": {"url": picture.url, "width": picture.width, "height": picture.height} if picture else None,
        "prompt": {"id": prompt.prompt_id, "version": prompt.version} if prompt else None,
        "propensity": token.propensity,
        "policy_version": token.policy_version,
        "experiment": {"id": token.experiment_id, "arm": token.arm} if token.experiment_id else None,
        "generation": outcome.generation,
        "token": text,
        "impression_url": settings.PUBLIC_BASE_URL + reverse("impression", args=[text]),
        "click_url": settings.PUBLIC_BASE_URL + reverse("click", args=[text]),
        "expires_at": token.expires_at.isoformat(),
    }


def _parsed(batch: list[Any]) -> tuple[list[tuple[int, Event]], list[dict[str, Any]]]:
    """Events with their index in the batch, and what is wrong with the others."""
    good, rejected = [], []
    for index, raw in enumerate(batch):
        if not isinstance(raw, dict):
            rejected.append({"index": index, "reason": "an event is an object"})
            continue
        try:
            event = EventIn.model_validate(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            rejected.append({"index": index, "reason": f"{where}: {first['msg']}" if where else first["msg"]})
        else:
            good.append(
                (index, Event(event.type, event.token, event.event_id, event.occurred_at, event.value))
            )
    return good, rejected
