"""Every page of the site, taken from the access table: what the checks of whole pages go through."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from tests.web.access import ROLES, Row, World
from tests.web.access_table import TABLE

NO_PAGES = re.compile(
    r"^(healthz|readyz|metrics|media/.*|api/.*|[ec]/<.*|.*preview/)$|^prompts/export\.|\.(csv|json|zip|png|jpg)$"
)
# Other faces of a page, and pages that look different to somebody else.
VIEWS = {
    "anonymous": ("/login/",),
    "owner": (
        "/catalog/?view=list",
        "/products/{product}/?by=placement",
        "/review/second/?tab=open",
        "/no-such-page/",
        "/people/",
    ),
    "reviewer": ("/", "/catalog/", "/masks/", "/review/?view=grid"),
    "admin": (
        *("/", "/prompts/", "/prompts/{prompt}/", "/placements/", "/keys/", "/experiments/{experiment}/"),
        *("/experiments/?merchant=ours", "/experiments/add/?merchant=ours&design=phase_1"),
        *("/review/rules/?merchant=ours", "/review/gold/?tab=retired", "/review/history/"),
    ),
}
BY = ("owner", "reviewer", "admin")  # who looks at a page: the first that may


def pages(world: World) -> dict[str, list[str]]:
    """Addresses by role: each page of the table once, and the faces above."""
    keys = {
        "product": world.product.pk,
        "prompt": world.version.prompt_id,
        "experiment": world.experiment.pk,
    }
    found: dict[str, list[str]] = {role: [] for role in VIEWS}
    for row in TABLE.rows:
        role = next((role for role in BY if row.statuses[ROLES.index(role)] == 200), None)
        if row.method == "GET" and role and not NO_PAGES.search(row.route):
            address = _address(row, world)
            if address.split("?")[0] not in {known.split("?")[0] for known in found[role]}:
                found[role].append(address)
    for role, views in VIEWS.items():
        found[role] += [address for view in views if (address := view.format(**keys)) not in found[role]]
    return found


def _address(row: Row, world: World) -> str:
    values = row.path(world)
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values[match[1]]), row.route)
    query = row.data(world)
    return f"{path}?{urlencode(query)}" if query else path
