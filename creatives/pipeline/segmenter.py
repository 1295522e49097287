"""Which networks help with masks, if any, and what a mask is keyed by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .image_io import SourceImage
from .network import Network, file_fingerprint, licence_of, load_network, rembg_weights
from .segment import SEGMENT_VERSION, Mask, segment
from .studio_mask import WEIGHTS, StudioMask, studio_mask
from .weights import PACKAGED, WeightsError

AUTO, NONE = "auto", "none"
FETCH = "run: manage.py fetch_segmenter"


@dataclass(frozen=True)
class Standing:
    """What a segmenter has at hand. network: its name, "" without one; problem and fix: why there is none."""

    network: str
    path: Path | None = None
    problem: str = ""
    fix: str = ""
    licence: str = ""

    @property
    def is_ready(self) -> bool:
        return self.path is not None


class Segmenter:
    """Step 1 with one choice of network, loaded at the first cluttered photo and kept.

    network: "auto" (IS-Net when its weights are in `folder`, and our own small network for studio photos), "none", "isnet",
    "isnet-fp16", a local model of rembg's registry ("birefnet-general", "u2net"), or any of these with weights of your
    own, as in "birefnet-general:/path/to.onnx".
    """

    def __init__(self, network: str = NONE, folder: Path | None = None) -> None:
        self.choice = network
        self.folder = folder
        self._loaded: Network | None = None
        self._fingerprints: dict[tuple[Path, int, int], str] = {}

    @property
    def key(self) -> str:
        """Text for cache keys: the code's version, and the networks with their weights."""
        standing = self.standing()
        used = [] if standing.path is None else [(standing.network, standing.path)]
        if self.choice == AUTO and WEIGHTS.is_file():
            used.append((StudioMask.name, WEIGHTS))
        return "-".join([SEGMENT_VERSION, *(f"{name}-{self._fingerprint(path)}" for name, path in used)])

    def _fingerprint(self, path: Path) -> str:
        """Of a file; read again only when it has changed."""
        stat = path.stat()
        identity = (path, stat.st_size, stat.st_mtime_ns)
        if identity not in self._fingerprints:
            self._fingerprints[identity] = file_fingerprint(path)
        return self._fingerprints[identity]

    def segment(self, image: SourceImage) -> Mask:
        """The mask of a photo; a missing network is said in the warnings of the masks that would have needed it."""
        return segment(image, self.load, self.load_studio)

    def standing(self) -> Standing:
        """What is at hand now: weights that are fetched while a worker runs are found by the next photo."""
        name, _, own = self.choice.partition(":")
        if name == NONE:
            return Standing("", problem="no segmentation network is chosen")
        try:
            path = Path(own) if own else self._find(name)
        except WeightsError as error:
            return Standing(name, problem=str(error), fix="see docs/pipeline.md, Masks")
        if path is None and name == AUTO:
            return Standing("", problem="no segmentation network is installed", fix=FETCH)
        if path is None or not path.is_file():
            fix = f"{FETCH} {name}" if not own else f"put the weights at {path}"
            return Standing(name, problem=f"the weights of {name} are not here", fix=fix)
        if name == AUTO:
            name = path.stem
        return Standing(name, path, licence=licence_of(name))

    def load(self) -> Network:
        """The network. Raises WeightsError when its weights are not here, are damaged, or cannot be loaded."""
        standing = self.standing()
        if standing.path is None:
            raise WeightsError(standing.problem)
        fingerprint = self._fingerprint(standing.path)
        if self._loaded is None or self._loaded.fingerprint != fingerprint:
            packaged = PACKAGED.get(standing.network) if ":" not in self.choice else None
            if packaged and not packaged.sha256.startswith(fingerprint):
                raise WeightsError(f"the weights {standing.path.name} are damaged or others; {FETCH} --force")
            self._loaded = load_network(standing.network, standing.path)
        return self._loaded

    def load_studio(self) -> Network:
        """Our own network for studio photos, for those who left the choice open. Raises WeightsError for all others."""
        if self.choice != AUTO:
            raise WeightsError(f"network {self.choice} is chosen")
        return studio_mask()

    def _find(self, name: str) -> Path | None:
        if self.folder is None:
            return None
        names = PACKAGED if name == AUTO else {name: PACKAGED[name]} if name in PACKAGED else {}
        found = [
            weights.path(self.folder) for weights in names.values() if weights.path(self.folder).is_file()
        ]
        if names:
            return found[0] if found else None
        return rembg_weights(name, self.folder)
