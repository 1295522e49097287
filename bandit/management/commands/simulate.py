"""`manage.py simulate`: made-up shoppers go through the HTTP API like anyone else."""

from __future__ import annotations

import base64
import json
import random
import secrets
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils import timezone

from bandit.simulation import truth as truths
from bandit.simulation.client import ApiError, StudioClient
from bandit.simulation.loop import SHOPPERS_PER_IMPRESSION, Shop, Simulation, Tally
from bandit.simulation.receiver import PictureCache, listening
from bandit.simulation.setup import ShopError, approve_waiting, shop_of, states
from creatives.models import ApiKey, Merchant, Recommender

NAME = "simulator"
PROGRESS_SECONDS = 2.0


class Command(BaseCommand):
    """A small recommender with known shoppers: decisions, webhooks, impressions, clicks."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--impressions", type=int, required=True, metavar="N", help="how many pictures to show"
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="the same shoppers and the same luck (default 0)"
        )
        parser.add_argument(
            "--truth", type=Path, metavar="FILE", help="JSON with the shoppers' true click rates"
        )
        parser.add_argument("--merchant", default="demo", help="slug of the merchant (default demo)")
        parser.add_argument(
            "--placement", default="", help="slug of the placement (default: the first active one)"
        )
        parser.add_argument(
            "--items", type=int, default=6, metavar="N", help="how many products to show (default 6)"
        )
        parser.add_argument(
            "--rate", type=float, default=50.0, help="impressions a second; 0: no limit (default 50)"
        )
        parser.add_argument(
            "--wait", type=float, default=300.0, help="seconds to wait for the pictures (default 300)"
        )
        parser.add_argument(
            "--auto-approve",
            action="store_true",
            help="switch the merchant to automatic approval and approve what waits, instead of a person's review",
        )
        parser.add_argument("--url", default="", help=f"the site (default {settings.PUBLIC_BASE_URL})")
        parser.add_argument("--json", action="store_true", help="print the tally as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._simulate(**options)
        except OperationalError as error:
            text = "the database cannot be reached: is `make run` on, or DATABASE_URL set?"
            raise CommandError(text, returncode=2) from error
        except (ApiError, ShopError, truths.TruthError, OSError) as error:
            raise CommandError(str(error), returncode=2) from error

    def _simulate(
        self, *, impressions: int, seed: int, items: int, rate: float, wait: float, **options: Any
    ) -> None:
        for name, value, low in (
            ("--impressions", impressions, 1),
            ("--items", items, 1),
            ("--rate", rate, 0),
        ):
            if value < low:
                raise CommandError(f"{name} {value}: at least {low} is expected", returncode=2)
        truth = truths.load(options["truth"]) if options["truth"] else truths.DEFAULT
        merchant = Merchant.objects.filter(slug=options["merchant"]).first()
        if merchant is None:
            raise CommandError(f"--merchant {options['merchant']}: there is no such merchant", returncode=2)
        shop = shop_of(merchant, options["placement"], items)
        rng = random.Random(seed)
        people = truths.shoppers(
            truth, max(20, int(impressions * SHOPPERS_PER_IMPRESSION)), rng, f"sim-{seed}"
        )
        self._quiet = options["json"]
        self._url = (options["url"] or settings.PUBLIC_BASE_URL).rstrip("/")
        secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        cache = PictureCache(secret)
        with listening(cache) as webhook_url, _recommender(merchant, webhook_url, secret) as key:
            client = StudioClient(self._url, key)
            self._prepare(client, merchant, shop, wait, options["auto_approve"])
            self._say(f"Showing {impressions:,} pictures to {len(people):,} shoppers …")
            run = Simulation(client, shop, truth, people, rng, cache.urls)
            tally = run.run(impressions, rate, self._progress())
        self._report(tally, cache, truth, shop)

    def _prepare(
        self, client: StudioClient, merchant: Merchant, shop: Shop, wait: float, auto_approve: bool
    ) -> None:
        """Ask for the pictures ahead of traffic and wait for the painter."""
        if auto_approve:
            approve_waiting(merchant)
        items = [{"merchant": shop.merchant, "id": item} for item in shop.items]
        client.request_creatives(items, [shop.placement["id"]])
        deadline, last = time.monotonic() + wait, None
        while (found := states(merchant, shop)).get("queued") and time.monotonic() < deadline:
            if found != last:
                self._say(
                    "Pictures: " + ", ".join(f"{count} {state}" for state, count in sorted(found.items()))
                )
                last = found
            time.sleep(1)
        if auto_approve:
            approve_waiting(merchant)
        waiting = states(merchant, shop).get("in review", 0)
        if waiting:
            self._say(
                f"{waiting} pictures wait for a review at {self._url}/review/: until they are approved the "
                "original is shown. With --auto-approve nobody has to."
            )

    def _progress(self) -> Any:
        last = [time.monotonic()]

        def tell(tally: Tally) -> None:
            if time.monotonic() - last[0] >= PROGRESS_SECONDS:
                last[0] = time.monotonic()
                clicks = sum(tally.clicks.values())
                shown = tally.shown["generated"] / tally.total
                self._say(
                    f"  {tally.total:>8,} shown, {clicks:,} clicks, {shown:.0%} generated, policy v{tally.policy_version}"
                )

        return tell

    def _report(self, tally: Tally, cache: PictureCache, truth: truths.Truth, shop: Shop) -> None:
        webhooks = {"received": cache.received, "duplicates": cache.duplicates, "refused": cache.refused}
        if self._quiet:
            self.stdout.write(json.dumps(tally.as_dict() | {"webhooks": webhooks}))
            return
        self._say(f"\n{'arm':16}{'shown':>10}{'clicks':>8}{'rate':>9}")
        for arm, count in sorted(tally.impressions.items()):
            self._say(f"{arm:16}{count:>10,}{tally.clicks[arm]:>8,}{tally.clicks[arm] / count:>9.2%}")
        self._say(
            f"webhooks: {cache.received} received, {cache.refused} refused; {tally.cached:,} served from their cache"
        )
        pool = next((pool for pool in shop.pools.values() if pool), [])
        if pool:
            self._say(
                f"the best prompt for everyone would bring {truth.oracle_gain(pool):+.1%} over a random one"
            )
        self._say(f"See {self._url}/reports/ and {self._url}/policy/")

    def _say(self, text: str) -> None:
        if not self._quiet:
            self.stdout.write(text)
            self.stdout.flush()


@contextmanager
def _recommender(merchant: Merchant, webhook_url: str, secret: str) -> Iterator[str]:
    """The simulator as a recommender with a key of its own; afterwards it has neither key nor endpoint."""
    recommender, _ = Recommender.objects.update_or_create(
        name=NAME,
        defaults={
            "is_simulator": True,
            "webhook_url": webhook_url,
            "webhook_secret": secret,
            "is_active": True,
        },
    )
    recommender.merchants.add(merchant)
    key, text = ApiKey.issue(recommender=recommender)
    try:
        yield text
    finally:
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
        Recommender.objects.filter(pk=recommender.pk).update(webhook_url="")
