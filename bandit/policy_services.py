"""What people decide about a pool's policy: each function is one transaction, and leaves a line in its history."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from bandit.models import PausedPrompt, Policy, PolicyAction, PoolControl
from creatives.models import Category, Merchant, PromptVersion, User

FIELDS = {
    "serve": "shows",
    "kind": "policy",
    "alpha": "α",
    "exploration": "random share",
    "newcomer_share": "share of a new prompt",
    "newcomer_impressions": "new up to impressions",
    "pauses_harmful": "pauses harmful prompts",
    "is_frozen": "learning stopped",
    "half_life_hours": "half-life in hours",
}


class PolicyError(ValueError):
    """What cannot be done with a policy, and why, for the person who asked."""


@transaction.atomic
def roll_back(policy_id: int, version: int, by: User) -> Policy:
    """Serve and learn on from another version of a policy, older or newer. Raises PolicyError when it is not kept.

    What was learned since stays in the log and under its version; the next lessons make a version that nobody had.
    """
    policy = Policy.objects.select_for_update(of=("self",)).select_related("category").get(pk=policy_id)
    if version == policy.current_version:
        raise PolicyError(f"Version {version} is in use already.")
    if not policy.snapshots.filter(version=version).exists():
        raise PolicyError(f"Version {version} is not kept any more, or never was.")
    before, policy.current_version = policy.current_version, version
    policy.save(update_fields=["current_version"])
    _note(policy.merchant_id, policy.category_id, by, f"From version {before} to version {version}.")
    return policy


@transaction.atomic
def set_control(merchant: Merchant, category: Category, by: User, **changes: Any) -> PoolControl:
    """Change some of ``FIELDS`` for a pool. Raises PolicyError that names the field, its value and the limit."""
    PoolControl.objects.get_or_create(merchant=merchant, category=category)
    control = PoolControl.objects.select_for_update().get(merchant=merchant, category=category)
    if unknown := [name for name in changes if name not in FIELDS]:
        raise PolicyError(f"{unknown[0]} is none of {', '.join(FIELDS)}.")
    before = {name: getattr(control, name) for name in changes}
    for name, value in changes.items():
        setattr(control, name, value)
    try:
        control.clean_fields()
    except ValidationError as error:
        name, problems = next(iter(error.message_dict.items()))
        raise PolicyError(f"{FIELDS.get(name, name)}: {problems[0]}") from None
    changed = [name for name in changes if before[name] != getattr(control, name)]
    if changed:
        control.save(update_fields=changed)
        said = [
            f"{FIELDS[name]}: {_shown(before[name])} → {_shown(getattr(control, name))}" for name in changed
        ]
        _note(merchant.pk, category.pk, by, "; ".join(said))
    return control


@transaction.atomic
def pause_prompt(merchant: Merchant, version: PromptVersion, by: User) -> PausedPrompt:
    """Show a prompt to nobody for the time being. Raises PolicyError when it is paused already."""
    try:
        with transaction.atomic():
            row = PausedPrompt.objects.create(
                merchant=merchant, category=version.prompt.category, prompt_version=version, paused_by=by
            )
    except IntegrityError:
        raise PolicyError(f"{version} is paused already.") from None
    _note(merchant.pk, row.category_id, by, f"Paused {version}.")
    return row


@transaction.atomic
def resume_prompt(merchant: Merchant, version: PromptVersion, by: User) -> PausedPrompt:
    """Show a paused prompt again; the safety cap leaves it alone from now on. Raises PolicyError when it is not paused."""
    rows = PausedPrompt.objects.select_for_update().filter(merchant=merchant, prompt_version=version)
    row = rows.filter(resumed_at__isnull=True).first()
    if row is None:
        raise PolicyError(f"{version} is not paused.")
    row.resumed_at, row.resumed_by = timezone.now(), by
    row.save(update_fields=["resumed_at", "resumed_by"])
    _note(merchant.pk, row.category_id, by, f"Resumed {version}.")
    return row


def _note(merchant_id: int, category_id: int, by: User, what: str) -> None:
    PolicyAction.objects.create(merchant_id=merchant_id, category_id=category_id, user=by, what=what[:300])


def _shown(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
