"""One creative from one photo, without a server or a database."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

BAD_INPUT = 2


class Command(BaseCommand):
    help = "Makes one creative: IMAGE with a setting painted around it. Writes pictures and a record into a folder."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser | ArgumentParser) -> None:
        parser.add_argument("image", metavar="IMAGE", help="product photo: JPEG, PNG, WebP, GIF, BMP or TIFF")
        parser.add_argument("--prompt", required=True, help="the setting to paint")
        parser.add_argument("--negative-prompt", default="", help="what not to paint")
        parser.add_argument(
            "--size", required=True, metavar="WxH", help="size of the creative, e.g. 1200x628"
        )
        parser.add_argument("--seed", default="0", help="the same seed paints the same picture")
        parser.add_argument("--profile", default=None, help="checkpoint profile, by default studio-tiny")
        parser.add_argument("--layout", default=None, help="placement of the product, e.g. s72-s-m6")
        parser.add_argument(
            "--mask", default=None, metavar="FILE", help="a mask made by hand: white where the product is"
        )
        parser.add_argument(
            "--out", required=True, metavar="DIR", help="folder for final.png, steps/ and record.json"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from django.conf import settings

        from creatives.pipeline import (
            CheckpointError,
            ImageError,
            ProfileError,
            Segmenter,
            Size,
            make_creative,
        )
        from creatives.pipeline.credentials import SigningError
        from creatives.pipeline.image_io import read_bytes
        from creatives.pipeline.profiles import DEFAULT_PROFILE
        from creatives.services.profiles import find_profile, painter_of
        from creatives.services.provenance import credentials_in_use

        out = Path(options["out"])
        if out.exists() and not out.is_dir():
            _refuse(f"--out {out}: exists and is not a folder")
        try:
            size = Size.parse(options["size"])
            seed = _whole_number("--seed", options["seed"])
            credentials_in_use()  # what cannot be signed is not painted either
            result = make_creative(
                Path(options["image"]),
                prompt=options["prompt"],
                size=size,
                painter=painter_of(find_profile(options["profile"] or DEFAULT_PROFILE)),
                seed=seed,
                layout=options["layout"],
                negative_prompt=options["negative_prompt"],
                segmenter=Segmenter(settings.SEGMENTER, settings.MODELS_DIR),
                matte=read_bytes(options["mask"]) if options["mask"] else None,
            )
        except ImageError as error:
            _refuse(f"{options['image']}: {error}")
        except ProfileError as error:
            _refuse(f"--profile: {error}")
        except (CheckpointError, SigningError) as error:
            _refuse(str(error))
        except ValueError as error:
            _refuse(str(error))
        try:
            write_result(result.final, result.steps, result.record, out)
        except SigningError as error:
            _refuse(str(error))
        except OSError as error:
            _refuse(f"--out {out}: cannot be written: {error.strerror or error}")
        self.stdout.write(f"{out / 'final.png'}: {size}, seed {seed}, {result.record['verdict']}")


def write_result(final: Any, steps: dict[str, Any], record: dict[str, Any], out: Path) -> None:
    """Write everything beside `out` first and move it into place file by file, the record last."""
    from creatives.pipeline import encode_png
    from creatives.pipeline.provenance import Provenance, SourceType
    from creatives.services.provenance import finished

    made = {name: str(record[name]) for name in ("profile", "pipeline_version", "seed")}
    marks = {
        "4_generated": Provenance(SourceType.PAINTED, **made),
        "5_final": Provenance(SourceType.COMPOSITE, **made),
    }
    files = {"final.png": finished(final, marks["5_final"])} | {
        f"steps/{name}.png": finished(picture, marks[name]) if name in marks else encode_png(picture)
        for name, picture in steps.items()
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        (draft / "steps").mkdir()
        for name, data in files.items():
            (draft / name).write_bytes(data)
        (draft / "record.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
        draft.chmod(0o755)
        if not out.exists():
            draft.rename(out)
            return
        (out / "steps").mkdir(exist_ok=True)
        for path in (*sorted((draft / "steps").iterdir()), draft / "final.png", draft / "record.json"):
            os.replace(path, out / path.relative_to(draft))
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _whole_number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}; it must be a whole number") from None


def _refuse(message: str) -> NoReturn:
    raise CommandError(" ".join(message.split()), returncode=BAD_INPUT)
