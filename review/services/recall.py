"""Taking back what a prompt's trust has let through: a person looks at all of it again."""

from __future__ import annotations

import uuid

from django.db import transaction

from creatives.models import Creative, User
from creatives.permissions import OWNERS
from creatives.services import creatives as lifecycle
from review.errors import NotOpenError
from review.models import PromptTrust
from review.selectors.trust import let_through
from review.services import second
from review.services.verdicts import Action, Draft, Purpose, Verdict, standing


def recall(person: User, trust_id: int) -> int:
    """Return to review what the trust approved and nobody has looked at; how many pictures.

    They are not served from then on, recommenders are told, and one line of the trail is written for each. Raises
    PromptTrust.DoesNotExist for what is not the person's, NotOpenError while the prompt is still trusted.
    """
    allowed = PromptTrust.objects.for_member(person, OWNERS)
    trust = allowed.select_related("merchant", "prompt_version__prompt", "category").get(pk=trust_id)
    if trust.state == PromptTrust.State.TRUSTED:
        raise NotOpenError(f"{trust} still; stop the trust first.")
    batch = uuid.uuid4()
    lines = let_through(trust.merchant).filter(trust=trust)
    ids = sorted(set(lines.values_list("creative", flat=True)))
    return sum(_take_back(person, trust, pk, batch) for pk in ids)


@transaction.atomic
def _take_back(person: User, trust: PromptTrust, creative_id: int, batch: uuid.UUID) -> bool:
    """Whether it was still served by the word of this trust alone, and that was not earned again meanwhile."""
    rows = Creative.objects.select_for_update(of=("self",)).select_related("merchant", "request")
    creative = rows.get(pk=creative_id)
    last = standing(creative)
    is_ours = last is not None and last.purpose == Purpose.AUTO and last.trust_id == trust.pk
    if creative.status != Creative.Status.APPROVED or not is_ours:
        return False
    if PromptTrust.objects.select_for_update().get(pk=trust.pk).state == PromptTrust.State.TRUSTED:
        return False
    lifecycle.reopen(creative.pk)
    verdict = Verdict(Action.REOPEN, note="Approved by a trust that was lost since.")
    Draft(person, creative, verdict, uuid.uuid4(), batch=batch).write(trust=trust)
    second.withdraw(creative)
    return True
