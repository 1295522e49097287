"""What may become of a creative. Every change locks the row, checks the step, and writes its messages in one transaction.

What a merchant does with one (pausing, going on, asking for another) is noted in the trail of changes as well; decisions
of reviewers have a trail of their own.

``product_status`` retires creatives with their product, and is what brings a retired one back.
"""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from creatives.models import Creative, CreativeRequest, ProductImage, PromptVersion, User
from creatives.services import audit
from creatives.services.delivery import announce
from creatives.services.generation import requeue
from creatives.services.retries import fail

Status = Creative.Status

STEPS: dict[str, tuple[str, ...]] = {
    Status.IN_REVIEW: (Status.APPROVED, Status.REJECTED, Status.RETIRED),
    Status.APPROVED: (Status.IN_REVIEW, Status.PAUSED, Status.RETIRED),
    Status.PAUSED: (Status.APPROVED, Status.RETIRED),
    Status.REJECTED: (Status.IN_REVIEW,),
    Status.RETIRED: (),
}


class TransitionError(ValueError):
    """The creative is not in a state from which this step leads; the message names both."""


def approve(creative_id: int, reason: str = "") -> Creative:
    """In review or paused → approved: from the commit on it is served; recommenders are told. Raises TransitionError."""
    with transaction.atomic():
        creative = _step(creative_id, Status.APPROVED, reason)
        announce(creative, "approved")
    return creative


def reject(creative_id: int, reason: str) -> Creative:
    """In review → rejected. Raises TransitionError."""
    with transaction.atomic():
        creative = _step(creative_id, Status.REJECTED, reason)
        announce(creative, "rejected")
    return creative


def pause(creative_id: int, by: User | None = None) -> Creative:
    """Approved → paused: not served until resumed, and recommenders are told. Raises TransitionError."""
    with transaction.atomic():
        creative = _step(creative_id, Status.PAUSED, "")
        announce(creative, "retired")
        _note(creative, "paused", by)
    return creative


def resume(creative_id: int, by: User | None = None) -> Creative:
    """Paused → approved: served again, and recommenders are told. Raises TransitionError."""
    with transaction.atomic():
        if Creative.objects.select_for_update().get(pk=creative_id).status != Status.PAUSED:
            raise TransitionError(f"creative {creative_id} is not paused")
        creative = _step(creative_id, Status.APPROVED, "")
        announce(creative, "approved")
        _note(creative, "went on with", by)
    return creative


def another(creative_id: int, by: User | None = None) -> bool:
    """Have the request of a creative painted again with another seed; False when it is being painted already.

    A living creative retires for it (reason "another picture asked for"). Raises TransitionError when its prompt has
    retired: nothing would come of it.
    """
    with transaction.atomic():
        rows = Creative.objects.select_related("merchant", "request__prompt_version")
        creative = rows.get(pk=creative_id)
        CreativeRequest.objects.select_for_update().get(pk=creative.request_id)
        if creative.request.prompt_version.retired_at is not None:
            raise TransitionError(f"the prompt of creative {creative_id} is retired")
        living = Creative.objects.filter(request=creative.request_id, status__in=Creative.ALIVE)
        replaced = [retire(pk, "another picture asked for") for pk in living.values_list("pk", flat=True)]
        is_new = requeue(creative.request_id)
        if is_new or replaced:
            _note(creative, "asked for another picture in place of", by)
    return is_new


def reopen(creative_id: int) -> Creative:
    """Approved or rejected → in review (undo). Recommenders that were told of an approval are told it is withdrawn.

    Raises TransitionError, also when the request has been painted again since.
    """
    with transaction.atomic():
        before = Creative.objects.select_for_update().get(pk=creative_id).status
        creative = _step(creative_id, Status.IN_REVIEW, "")
        if before == Status.APPROVED:
            announce(creative, "retired")
    return creative


def retire(creative_id: int, reason: str) -> Creative:
    """In review or approved → retired, for good. Raises TransitionError."""
    with transaction.atomic():
        creative = _step(creative_id, Status.RETIRED, reason)
        announce(creative, "retired")
    return creative


def retire_for_prompt(version: PromptVersion, reason: str = "prompt retired") -> int:
    """Retire every living creative of a prompt version and give up its open requests; how many creatives retired.

    Call it in the transaction that sets ``retired_at``: whoever paints one of the requests at this moment looks at the
    version again, under its lock, before anything is written.
    """
    with transaction.atomic():
        PromptVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
        open_ones = CreativeRequest.objects.select_for_update(of=("self",)).filter(
            prompt_version=version, status=CreativeRequest.Status.QUEUED
        )
        for request in open_ones.select_related("merchant", "prompt_version").order_by("pk"):
            fail(request, f"given up: {reason}", told=reason)
        living = Creative.objects.filter(request__prompt_version=version, status__in=Creative.ALIVE)
        ids = list(living.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
        for creative_id in ids:
            retire(creative_id, reason)
    return len(ids)


def _step(creative_id: int, to: str, reason: str) -> Creative:
    """Lock the creative and move it. The caller holds the transaction."""
    rows = Creative.objects.select_for_update(of=("self",)).select_related(
        "request__merchant", "request__prompt_version"
    )
    creative: Creative = rows.get(pk=creative_id)
    if to not in STEPS[creative.status]:
        raise TransitionError(
            f"creative {creative_id} is {creative.get_status_display().lower()}; it cannot become {to}"
        )
    if to == Status.IN_REVIEW and creative.status == Status.REJECTED:
        _check_alone(creative)
    creative.status, creative.reason = to, reason
    creative.decided_at = None if to == Status.IN_REVIEW else timezone.now()
    creative.save(update_fields=["status", "reason", "decided_at"])
    return creative


def _note(creative: Creative, action: str, by: User | None) -> None:
    shows = ProductImage.objects.filter(
        merchant=creative.merchant_id, sha256=creative.request.image_sha256
    ).order_by("product")
    product_id = shows.values_list("product", flat=True).first()
    url = reverse("product", args=[product_id]) if product_id else ""
    subject = f"creative {creative.pk} ({creative.request.prompt_version})"
    audit.note(by, "products", action, subject, url=url, merchant=creative.merchant)


def _check_alone(creative: Creative) -> None:
    """A request has one living creative: an index refuses a second one, this says so in words.

    The request's row is what painters lock too, so nobody can add one in between.
    """
    CreativeRequest.objects.select_for_update().get(pk=creative.request_id)
    if Creative.objects.filter(request=creative.request_id, status__in=Creative.ALIVE).exists():
        raise TransitionError(
            f"creative {creative.pk} cannot be reopened: its request has been painted again since"
        )
