"""docs/api.md: every block of the guide, run in its order against a live site, with what it says it prints."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bandit.models import Click, Conversion, Impression
from creatives.models import CatalogImport, Creative, Product, Recommender
from creatives.sender import Sender
from creatives.services.catalog_import import run_import
from creatives.services.creatives import approve
from creatives.services.painting import paint_bucket
from tests import factories, studio

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/api.md"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("curl") is None, reason="the guide calls curl, which is not installed"),
]


class Block(NamedTuple):
    """A fenced block and, when a ``text`` block follows it, what it has to print."""

    kind: str
    code: str
    prints: str | None


def blocks() -> list[Block]:
    """The blocks of the guide in order."""
    found = re.findall(
        r"^```(sh|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?",
        GUIDE.read_text(),
        flags=re.MULTILINE | re.DOTALL,
    )
    return [Block(kind, code, prints or None) for kind, code, prints in found]


@dataclass
class Reader:
    """Somebody who follows the guide: one shell, one Python, files in a folder of their own."""

    site: str
    folder: Path
    names: dict[str, Any] = field(default_factory=dict)

    def follow(self, block: Block) -> str:
        """Run it; what it printed."""
        printed = self._python(block.code) if block.kind == "python" else self._shell(block.code)
        if block.prints is not None:
            assert printed == block.prints
        return printed

    def _python(self, code: str) -> str:
        out = io.StringIO()
        with redirect_stdout(out):
            exec(compile(code, str(GUIDE), "exec"), self.names)
        return out.getvalue()

    def _shell(self, code: str) -> str:
        here = {
            "http://127.0.0.1:8000": self.site,
            ".venv/bin/python": sys.executable,
            "var/guide": str(self.folder),
        }
        for said, meant in here.items():
            code = code.replace(said, meant)
        kept = self.folder / "environment"
        keep = "import json, os; print(json.dumps(dict(os.environ)))"
        script = f"set -euo pipefail\n{code}\n{sys.executable} -c '{keep}' > {kept}"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "STUDIO_USE_TEST_DATABASE": "1",
        }
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        changed = json.loads(kept.read_text())
        os.environ.update(
            {
                name: changed[name]
                for name in ("STUDIO", "KEY", "RECOMMENDER_KEY", "IMPORT")
                if name in changed
            }
        )
        return done.stdout


def test_the_guide_does_what_it_says(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for name in ("STUDIO", "KEY", "RECOMMENDER_KEY", "IMPORT"):
        monkeypatch.setenv(name, "")  # and put back at the end
    monkeypatch.setenv("WEBHOOK_SECRET", studio.SECRET)
    monkeypatch.setenv("HOOK_PORT", "0")
    settings.PUBLIC_BASE_URL = live_server.url
    merchant, pool = factories.merchant("demo"), factories.category("Home & Garden")
    prompt, _ = factories.prompt_version(pool), factories.placement("home-top", 300, 250)
    recommender = studio.recommender(merchant, name="Demo recommender")
    reader = Reader(live_server.url, tmp_path)
    keys, send, look, ask, approved, decide, refused, report, receiver = blocks()

    reader.follow(keys)
    assert recommender.api_keys.count() == merchant.api_keys.count() == 1

    # The feed: one good row lands, the other says what to do.
    reader.follow(send)
    upload = CatalogImport.objects.get()
    assert os.environ["IMPORT"] == f"{live_server.url}/api/v1/imports/{upload.pk}"
    run_import(upload.pk)
    progress = json.loads(reader.follow(look))
    assert (progress["status"], progress["counts"]["created"], progress["counts"]["refused"]) == (
        "done",
        1,
        1,
    )
    assert {"line": 3, "id": "GUIDE-2", "column": "price", "value": "twelve"}.items() <= progress["issues"][
        0
    ].items()
    assert Product.objects.get().external_id == "GUIDE-1"

    # Pictures: asked for once, painted, approved, listed.
    asked = json.loads(reader.follow(ask))
    assert asked["requested"] == {"generations": 1, "sizes": 1}
    assert asked["items"][0]["creatives"] == [
        {
            "prompt": {"id": prompt.prompt_id, "version": 1},
            "placement": "home-top",
            "size": {"width": 300, "height": 250},
            "state": "queued",
        }
    ]
    assert json.loads(reader.follow(ask))["requested"] == {"generations": 0, "sizes": 0}
    assert json.loads(reader.follow(approved))["creatives"] == []
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    creative = Creative.objects.get()
    approve(creative.pk)
    assert [row["id"] for row in json.loads(reader.follow(approved))["creatives"]] == [creative.pk]

    # Decisions, a refusal, events: the blocks say what they print.
    for block in (decide, refused, report):
        assert block.prints
        reader.follow(block)
    assert (Impression.objects.count(), Click.objects.count(), Conversion.objects.count()) == (1, 1, 1)

    _a_receiver_believes_what_is_signed(reader, receiver, recommender, creative)


def _a_receiver_believes_what_is_signed(
    reader: Reader, block: Block, recommender: Recommender, creative: Creative
) -> None:
    """The guide's endpoint takes the studio's own message; a changed, an old and a foreign one it does not."""
    reader.follow(block)
    server, verify = reader.names["server"], reader.names["verify"]
    seen: list[tuple[Any, bytes]] = []

    def watched(secret: str, headers: Any, body: bytes) -> Any:
        seen.append((headers, body))
        return verify(secret, headers, body)

    reader.names["verify"] = watched
    Recommender.objects.update(webhook_url=f"http://127.0.0.1:{server.server_address[1]}/")
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    Sender().send_due(recommender.pk)
    thread.join(10)
    server.server_close()

    assert recommender.deliveries.get().status == "delivered"
    assert list(reader.names["pictures"]) == [("GUIDE-1", 300, 250)]
    headers, body = seen[0]
    assert verify(studio.SECRET, headers, body)["data"]["id"] == creative.pk
    with pytest.raises(ValueError, match="wrong signature"):
        verify(studio.SECRET, headers, body.replace(b"approved", b"rejected"))
    with pytest.raises(ValueError, match="wrong signature"):
        verify(studio.OLD_SECRET, headers, body)
    with pytest.raises(ValueError, match="too old"):
        verify(studio.SECRET, headers, body, tolerance=-1)
