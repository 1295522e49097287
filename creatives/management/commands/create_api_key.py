"""`manage.py create_api_key MERCHANT | --recommender [NAME]`: prints a new key, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from creatives.models import ApiKey, Merchant, Recommender


class Command(BaseCommand):
    """Print a new API key on stdout. Exit 2 when there is no such merchant or recommender."""

    help = "Print a new API key of a merchant or of a recommender; it is stored hashed and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant", nargs="?", help="slug of the merchant whose key it is")
        parser.add_argument(
            "--recommender",
            nargs="?",
            const="",
            metavar="NAME",
            help="a key of this recommender instead (without NAME: of the only one there is)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug, name = options["merchant"], options["recommender"]
        if (slug is None) == (name is None):
            raise CommandError("give either MERCHANT or --recommender [NAME]", returncode=2)
        owner = {"merchant": _merchant(slug)} if slug is not None else {"recommender": _recommender(name)}
        _, secret = ApiKey.issue(**owner)
        self.stdout.write(secret)


def _merchant(slug: str) -> Merchant:
    merchant = Merchant.objects.filter(slug=slug).first()
    if merchant is None:
        known = ", ".join(Merchant.objects.order_by("slug").values_list("slug", flat=True)[:10])
        raise CommandError(f"no merchant {slug!r}; there are: {known or 'none'}", returncode=2)
    return merchant


def _recommender(name: str) -> Recommender:
    found = Recommender.objects.filter(name=name) if name else Recommender.objects.all()
    known = ", ".join(Recommender.objects.order_by("name").values_list("name", flat=True)[:10])
    if name and not found:
        raise CommandError(f"no recommender {name!r}; there are: {known or 'none'}", returncode=2)
    if len(found) != 1:
        raise CommandError(f"--recommender needs a NAME; there are: {known or 'none'}", returncode=2)
    return found[0]
