"""Feeds by address: which there are, how they do, and changing them."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creatives.forms.feeds import FeedSourceForm
from creatives.listing import Choice, Column, ListSpec, listing, wants_csv
from creatives.models import FeedRun, FeedSource, Merchant
from creatives.models.base import ANY_ROLE, EDITORS
from creatives.permissions import current_merchant, get_for_member, member_required, signed_in
from creatives.selectors.feed_sources import source_cards
from creatives.services import feed_sources as service


def _of_state(rows: QuerySet[FeedSource], state: str) -> QuerySet[FeedSource]:
    if state == "paused":
        return rows.filter(is_paused=True)
    running = rows.filter(is_paused=False)
    return running.filter(failures__gt=0) if state == "failing" else running.filter(failures=0)


SOURCES = ListSpec(
    search=("name", "url"),
    placeholder="Name or address",
    sorts={"name": ("Name", ["name", "pk"]), "next": ("Next fetch", ["next_run_at", "pk"])},
    choices=[
        Choice(
            "state", "State", [("active", "Active"), ("failing", "Failing"), ("paused", "Paused")], _of_state
        )
    ],
    columns=[
        Column("name", lambda row: row.name),
        Column("address", lambda row: row.url),
        Column("paused", lambda row: "yes" if row.is_paused else "no"),
        Column("failures", lambda row: row.failures),
        Column("next", lambda row: row.next_run_at),
    ],
)


def _of_result(rows: QuerySet[FeedRun], result: str) -> QuerySet[FeedRun]:
    return rows.filter(finished_at=None) if result == "running" else rows.filter(outcome=result)


def _imported(name: str) -> Column:
    """A number of the import that a run was handed to; empty without one."""
    return Column(name, lambda run: getattr(run.catalog_import, name, None))


RUNS = ListSpec(
    search=("detail", "catalog_import__error"),
    placeholder="What was said",
    sorts={
        "latest": ("Latest first", ["-pk"]),
        "oldest": ("Oldest first", ["pk"]),
        "size": ("Largest first", [F("size").desc(nulls_last=True), "-pk"]),  # type: ignore[list-item]
        "refused": ("Most refused", [F("catalog_import__refused").desc(nulls_last=True), "-pk"]),  # type: ignore[list-item]
    },
    choices=[
        Choice(
            "result",
            "Result",
            [
                ("imported", "Imported"),
                ("unchanged", "Unchanged"),
                ("failed", "Failed"),
                ("running", "Running"),
            ],
            _of_result,
        )
    ],
    columns=[
        Column("started", lambda run: run.started_at),
        Column("finished", lambda run: run.finished_at),
        Column("result", lambda run: run.outcome or "running"),
        Column("said", lambda run: run.detail),
        Column("http_status", lambda run: run.http_status),
        Column("bytes", lambda run: run.size),
        Column("import", lambda run: run.catalog_import_id),
        *[_imported(name) for name in ("status", "created", "changed", "retired", "refused")],
    ],
)


@member_required(ANY_ROLE)
@require_safe
def sources(request: HttpRequest) -> HttpResponseBase:
    """The merchant's feeds by address, and how their last fetch ended."""
    user = signed_in(request)
    merchant = current_merchant(request)
    merchants = Merchant.objects.for_member(user).order_by("name")
    found = listing(request, FeedSource.objects.filter(merchant=merchant), SOURCES)
    if wants_csv(request):
        return found.csv("feeds")
    context = {
        "merchant": merchant,
        "merchants": merchants,
        "list": found,
        "cards": source_cards(found.page),
        "may_edit": merchant is not None
        and Merchant.objects.for_member(user, EDITORS).filter(pk=merchant.pk).exists(),
    }
    return render(request, "catalog/feed_sources.html", context)


@member_required(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def source_add(request: HttpRequest) -> HttpResponse:
    """Add a feed by address; it is fetched at once."""
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        raise Http404("no merchant")
    found = FeedSource(merchant=merchant)
    return _form(request, found, "The feed is being fetched.")


@member_required(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def source_edit(request: HttpRequest, source_id: int) -> HttpResponse:
    """Change a feed's address, name or options."""
    found = get_for_member(FeedSource, signed_in(request), EDITORS, pk=source_id)
    return _form(request, found, "Saved. The feed is fetched anew.")


def _form(request: HttpRequest, found: FeedSource, done: str) -> HttpResponse:
    form = FeedSourceForm(request.POST or None, instance=found)
    title = found.name
    if request.method == "POST" and form.is_valid():
        try:
            service.save_source(form.save(commit=False), signed_in(request))
        except service.SourceError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, done)
            return redirect("feed-source", found.pk)
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    context = {
        "form": form,
        "source": found,
        "title": title,
        "merchant": found.merchant,
        "merchants": merchants,
    }
    return render(request, "catalog/feed_source_form.html", context, status=422 if form.errors else 200)


@member_required(ANY_ROLE)
@require_safe
def source(request: HttpRequest, source_id: int) -> HttpResponseBase:
    """A feed by address: what it is, and its runs."""
    user = signed_in(request)
    found = get_for_member(FeedSource.objects.select_related("merchant"), user, pk=source_id)
    runs = listing(request, found.runs.select_related("catalog_import"), RUNS, keep=())
    if wants_csv(request):
        return runs.csv(f"feed-{found.pk}-runs")
    context = {
        "source": found,
        "list": runs,
        "is_running": found.runs.filter(finished_at=None).exists(),
        "may_edit": FeedSource.objects.for_member(user, EDITORS).filter(pk=found.pk).exists(),
    }
    return render(request, "catalog/feed_source.html", context)


@member_required(EDITORS)
@require_POST
def source_action(request: HttpRequest, source_id: int, action: str) -> HttpResponse:
    """Fetch a feed now, pause it, go on with it, or delete it."""
    found = get_for_member(FeedSource, signed_in(request), EDITORS, pk=source_id)
    if action == "run":
        try:
            service.run_now(found.pk)
        except service.SourceError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The feed is being fetched.")
    elif action in ("pause", "resume"):
        service.pause(found.pk, action == "pause", signed_in(request))
        messages.success(request, "Paused." if action == "pause" else "It is fetched again from now on.")
    elif action == "delete":
        service.delete_source(found.pk, signed_in(request))
        messages.success(request, f"{found.name} is deleted. The products that it brought stay.")
        return redirect("feed-sources")
    else:
        raise Http404("no such action")
    return redirect("feed-source", found.pk)
