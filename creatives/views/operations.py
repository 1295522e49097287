"""The operators' page: queues, leases, failures with a way out, and messages."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from creatives.listing import Column, ListSpec, listing, of_merchant, of_status, wants_csv
from creatives.models import CreativeRequest, WebhookDelivery
from creatives.permissions import admin_required, signed_in
from creatives.selectors import operations as selectors
from creatives.services import audit
from creatives.services.delivery import ReplayError, replay
from creatives.services.generation import requeue
from creatives.services.retries import retry_missing


@admin_required
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Everything at a glance; htmx asks for the part that changes."""
    rows = selectors.ROWS
    context = {
        "requests": selectors.request_counts(),
        "messages_by_status": selectors.message_counts(),
        "saved": selectors.saved(),
        "outbox": selectors.outbox_size(),
        "broker": selectors.broker(),
        "buckets": selectors.bucket_depths(),
        "leases": selectors.running_leases()[:rows],
        "failed": selectors.failed_requests()[:rows],
        "troubled": selectors.troubled_sizes(),
        "deliveries": selectors.open_messages()[:rows],
        "shown": rows,
    }
    is_partial = request.headers.get("HX-Target") == "operations"
    return render(request, "operations/_live.html" if is_partial else "operations/operations.html", context)


@admin_required
@require_safe
def request_list(request: HttpRequest) -> HttpResponseBase:
    """Every request for a creative, the failed ones with a way out."""
    rows = CreativeRequest.objects.select_related("merchant", "prompt_version__prompt")
    found = listing(request, rows, _requests(), keep=())
    if wants_csv(request):
        return found.csv("requests")
    return render(request, "operations/requests.html", {"list": found})


@admin_required
@require_safe
def message_list(request: HttpRequest) -> HttpResponseBase:
    """Every message to a recommender, and sending one again."""
    rows = WebhookDelivery.objects.select_related("merchant", "recommender")
    found = listing(request, rows, _messages(), keep=())
    if wants_csv(request):
        return found.csv("messages")
    return render(request, "operations/messages.html", {"list": found})


def _requests() -> ListSpec:
    return ListSpec(
        search=("prompt_version__prompt__name", "error", "bucket", "image_sha256"),
        placeholder="Prompt, bucket or reason",
        sorts={
            "latest": ("Latest first", ["-pk"]),
            "wanted": ("Most wanted", ["-demand", "-pk"]),
            "attempts": ("Most attempts", ["-attempts", "-pk"]),
            "oldest": ("Oldest first", ["pk"]),
        },
        choices=[of_status(CreativeRequest.Status.choices), of_merchant()],
        columns=[
            Column("request", lambda row: row.pk),
            Column("merchant", lambda row: row.merchant.slug),
            Column("prompt", lambda row: row.prompt_version),
            Column("bucket", lambda row: row.bucket),
            Column("layout", lambda row: row.layout),
            Column("status", lambda row: row.status),
            Column("attempts", lambda row: row.attempts),
            Column("wanted", lambda row: row.demand),
            Column("asked", lambda row: row.created_at),
            Column("ended", lambda row: row.finished_at),
            Column("reason", lambda row: row.error),
        ],
    )


def _messages() -> ListSpec:
    return ListSpec(
        search=("event_type", "message_id", "recommender__name", "error"),
        placeholder="Event, recommender, message or answer",
        sorts={
            "latest": ("Latest first", ["-pk"]),
            "attempts": ("Most attempts", ["-attempts", "-pk"]),
            "oldest": ("Oldest first", ["pk"]),
        },
        choices=[of_status(WebhookDelivery.Status.choices), of_merchant()],
        columns=[
            Column("message", lambda row: row.message_id),
            Column("event", lambda row: row.event_type),
            Column("recommender", lambda row: row.recommender),
            Column("merchant", lambda row: row.merchant.slug),
            Column("status", lambda row: row.status),
            Column("attempts", lambda row: row.attempts),
            Column("due", lambda row: row.due_at),
            Column("response", lambda row: row.response_status),
            Column("error", lambda row: row.error),
        ],
    )


@admin_required
@require_POST
def requeue_request(request: HttpRequest, request_id: int) -> HttpResponse:
    """Give a failed request a fresh set of attempts."""
    if not CreativeRequest.objects.filter(pk=request_id).exists():
        raise Http404(f"no request {request_id}")
    with transaction.atomic():
        if is_queued := requeue(request_id):
            _note(request, "queued again", f"request {request_id}")
    if is_queued:
        messages.success(request, f"Request {request_id} is queued again.")
    else:
        messages.warning(request, f"Request {request_id} is not failed any more; nothing was changed.")
    return redirect("operations")


@admin_required
@require_POST
def requeue_all(request: HttpRequest) -> HttpResponse:
    """Give every failed request, and every size that could not be rendered, a fresh set of attempts."""
    ids = sorted(selectors.failed_requests().values_list("pk", flat=True))
    with transaction.atomic():
        count, sizes = sum(map(requeue, ids)), retry_missing()
        _note(request, "queued again", f"{count} failed requests and {sizes} missing sizes")
    text = f"Queued again: {count} of {len(ids)} failed requests, {sizes} missing size{'' if sizes == 1 else 's'}."
    messages.success(request, text)
    return redirect("operations")


@admin_required
@require_POST
def replay_message(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Send a dead message again, under its own id."""
    try:
        with transaction.atomic():
            delivery = replay(delivery_id)
            _note(request, "sent again", f"message {delivery.message_id} to {delivery.recommender}")
    except WebhookDelivery.DoesNotExist as error:
        raise Http404(f"no message {delivery_id}") from error
    except ReplayError as error:
        messages.error(request, f"Not sent again: {error}.")
    else:
        messages.success(request, f"Message {delivery.message_id} goes to {delivery.recommender} again.")
    return redirect("operations")


def _note(request: HttpRequest, action: str, subject: str) -> None:
    audit.note(signed_in(request), "operations", action, subject, url=reverse("operations"))
