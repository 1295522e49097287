"""The full-size profiles, on tiny random models of exactly the classes that they load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creatives.pipeline import checkpoints
from creatives.pipeline.cache import MemoryCache
from creatives.pipeline.painter import Painter, PaintJob
from creatives.pipeline.profiles import CheckpointError, CheckpointProfile, get_profile
from creatives.pipeline.runtime import Runtime

from .pipeline_models import (
    TINY_BUCKETS,
    save_tiny_adapter,
    save_tiny_checkpoint,
    save_tiny_lora,
    save_tiny_safety_checker,
    tiny_pipeline,
    tiny_sdxl_pipeline,
)

CPU = Runtime(device="cpu", offline=True)
SMALL = {"steps": 2, "buckets": [str(bucket) for bucket in TINY_BUCKETS]}


def edges() -> np.ndarray:
    drawn = np.zeros((64, 64), np.uint8)
    drawn[16:48, 20] = 255
    return drawn


def job(seed: int = 1, **facts: Any) -> PaintJob:
    return PaintJob(edges(), **({"prompt": "a mug", "seed": seed} | facts))


RED = np.full((32, 32, 3), (200, 30, 30), np.uint8)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints with the layout that downloads of the hub's repositories have."""
    root = tmp_path_factory.mktemp("checkpoints")
    xl, sd = tiny_sdxl_pipeline(), tiny_pipeline(latent_channels=4)
    adapter = {"weight_name": "ip.safetensors", "subfolder": "models", "image_encoder": "image_encoder"}
    save_tiny_checkpoint(root / "sdxl", xl, **SMALL, ip_adapter=adapter)
    save_tiny_adapter(root / "sdxl", xl, "models/ip.safetensors", "models/image_encoder")
    save_tiny_safety_checker(root / "sdxl" / "safety_checker", flags_all=False)
    save_tiny_checkpoint(root / "sd15-lcm", sd, **SMALL, ip_adapter=adapter)
    save_tiny_adapter(root / "sd15-lcm", sd, "models/ip.safetensors", "models/image_encoder")
    save_tiny_lora(root / "sd15-lcm" / "lora", sd)
    save_tiny_safety_checker(root / "sd15-lcm" / "safety_checker", flags_all=True)
    return root


@pytest.fixture(scope="module")
def sdxl(store: Path) -> Painter:
    return Painter(get_profile("sdxl", store), runtime=CPU, cache=MemoryCache())


@pytest.fixture(scope="module")
def lcm(store: Path) -> Painter:
    return Painter(get_profile("sd15-lcm", store), runtime=CPU, cache=MemoryCache())


def test_sdxl_paints_with_two_text_encoders_pooled_text_and_sizes(sdxl: Painter) -> None:
    profile = sdxl.profile
    assert (profile.family, profile.guidance_scale, profile.scheduler) == ("sdxl", 2.0, "dpm++")
    assert type(sdxl.pipe).__name__ == "StableDiffusionXLControlNetPipeline"
    assert type(sdxl.pipe.scheduler).__name__ == "DPMSolverMultistepScheduler"
    pictures = sdxl.paint([job(1), job(2), job(1, prompt="zebra"), job(1, product=RED)])
    assert {picture.shape for picture in pictures} == {(64, 64, 3)}
    assert len({picture.tobytes() for picture in pictures}) == 4
    assert np.abs(pictures[1].astype(int) - sdxl.paint([job(2)])[0]).max() <= 2


def test_sdxl_is_what_the_stock_pipeline_paints(store: Path) -> None:
    import torch
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionXLControlNetPipeline

    facts = json.loads((store / "sdxl" / "profile.json").read_text("utf-8"))
    folder = store / "sdxl"
    stock: Any = StableDiffusionXLControlNetPipeline.from_pretrained(folder, local_files_only=True)
    stock.scheduler = DPMSolverMultistepScheduler.from_config(stock.scheduler.config)
    stock.set_progress_bar_config(disable=True)
    plain = get_profile("sdxl", store)
    ours = Painter(_without(plain, "ip_adapter", negative_prompt="", cpu_dtype="float32"), runtime=CPU)
    wanted = stock(
        "a mug",
        image=torch.from_numpy(edges()).float()[None, None].expand(-1, 3, -1, -1) / 255,
        width=64,
        height=64,
        num_inference_steps=facts["steps"],
        guidance_scale=plain.guidance_scale,
        controlnet_conditioning_scale=plain.conditioning_scale,
        generator=torch.Generator("cpu").manual_seed(4),
        output_type="np",
    ).images[0]
    painted = ours.paint([job(4)])[0]
    assert np.abs(painted - np.rint(np.clip(wanted, 0, 1) * 255)).max() <= 1


def _without(profile: CheckpointProfile, *parts: str, **facts: Any) -> CheckpointProfile:
    import dataclasses

    return dataclasses.replace(profile, **dict.fromkeys(parts), **facts)


def test_the_latent_consistency_profile_fuses_its_lora_and_samples_in_few_steps(
    lcm: Painter, store: Path
) -> None:
    assert type(lcm.pipe.scheduler).__name__ == "LCMScheduler"
    without = Painter(_without(lcm.profile, "lora"), runtime=CPU)
    changed = [
        name
        for (name, ours), (_, theirs) in zip(
            lcm.pipe.unet.named_parameters(), without.pipe.unet.named_parameters(), strict=True
        )
        if not np.array_equal(ours.detach().float().numpy(), theirs.detach().float().numpy())
    ]
    assert changed
    assert all(name.endswith("to_q.weight") for name in changed)
    assert not any("lora" in name for name, _ in lcm.pipe.unet.named_modules())
    first, other = lcm.paint([job(1), job(2)])
    assert not np.array_equal(first, other)


def test_the_safety_checker_flags_pictures_and_leaves_them_as_they_are(lcm: Painter, sdxl: Painter) -> None:
    pictures = [np.full((64, 192, 3), 90, np.uint8), np.full((64, 64, 3), 200, np.uint8)]
    assert lcm.unsafe(pictures) == [True, True]
    assert sdxl.unsafe(pictures) == [False, False]
    assert (pictures[0] == 90).all()
    assert Painter(_without(sdxl.profile, "safety_checker"), runtime=CPU, pipe=sdxl.pipe).unsafe(
        pictures
    ) == [
        False,
        False,
    ]


def test_the_classifier_sees_all_of_a_wide_picture() -> None:
    from creatives.pipeline.safety import squares

    wide = np.repeat(np.arange(150, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    views = squares(wide)
    assert [view.shape for view in views] == [(64, 64, 3)] * 3
    assert {int(value) for view in views for value in view[0, :, 0]} == set(range(150))
    assert [view.shape for view in squares(wide.transpose(1, 0, 2))] == [(64, 64, 3)] * 3
    assert len(squares(wide[:, :64])) == 1


@pytest.mark.parametrize("name", ["sd15", "sd15-lcm", "sdxl"])
@pytest.mark.parametrize("offline", [False, True])
def test_everything_of_the_hub_is_asked_for_at_its_pinned_revision(
    name: str, offline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []

    class Model:
        dtype = None
        image_encoder = None
        scheduler = type("Scheduler", (), {"config": {}})()

        def __init__(self, kind: str) -> None:
            self.kind = kind

        def from_pretrained(self, repo: str | None = None, **options: Any) -> Any:
            asked.append((self.kind, repo or options.pop("pretrained_model_name_or_path"), options))
            return self

        def load_lora_weights(self, repo: str, **options: Any) -> None:
            asked.append(("lora", repo, options))

        def load_ip_adapter(self, repo: str, **options: Any) -> None:
            asked.append(("adapter", repo, options))

        def register_modules(self, **modules: Any) -> None: ...
        def fuse_lora(self) -> None: ...
        def unload_lora_weights(self) -> None: ...

        def to(self, device: Any) -> Any:
            raise OSError("stop here")

    profile = get_profile(name)
    monkeypatch.setattr(checkpoints, "ControlNetModel", Model("controlnet"))
    monkeypatch.setattr(checkpoints, "CLIPVisionModelWithProjection", Model("encoder"))
    monkeypatch.setattr(checkpoints, "StableDiffusionSafetyChecker", Model("safety"))
    monkeypatch.setitem(checkpoints._PIPELINES, profile.family, Model("base"))
    monkeypatch.setattr(
        checkpoints, "_SCHEDULERS", dict.fromkeys(("dpm++", "lcm"), type("S", (), {"from_config": dict}))
    )
    runtime = Runtime(device="cpu", offline=offline)
    with pytest.raises(CheckpointError, match="stop here") as error:
        checkpoints.load_pipeline(profile, runtime)
    assert ("offline" in str(error.value)) is offline
    with pytest.raises(CheckpointError, match="stop here"):
        checkpoints.load_safety(profile, runtime)
    kinds = [kind for kind, _, _ in asked]
    assert kinds == [
        "controlnet",
        "base",
        *(["lora"] if profile.lora else []),
        "encoder",
        "adapter",
        "safety",
    ]
    revisions = {source.repo: source.revision for source in profile.sources.values()}
    for _, repo, options in asked:
        assert options["revision"] == revisions[repo]
        assert len(options["revision"]) == 40
        assert options["local_files_only"] is offline
    where = {kind: options for kind, _, options in asked}
    assert where["encoder"]["subfolder"] == "models/image_encoder"
    assert where["adapter"]["image_encoder_folder"] is None
    assert where["base"]["variant"] == "fp16"
    assert where["safety"]["subfolder"] == "safety_checker"
    if profile.family == "sd":
        assert where["base"]["safety_checker"] is None


def test_offline_without_the_weights_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"profile sd15: .* cannot be loaded \(offline: only folders"):
        Painter("sd15", runtime=CPU).warm()


class Recorded:
    """A pipeline that writes down how it is placed and quickened."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.unet = self.controlnet = self.vae = self

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: self.calls.append(name)


@pytest.mark.parametrize(
    ("offload", "calls"),
    [
        ("none", ["to"]),
        ("model", ["enable_model_cpu_offload", "enable_slicing", "enable_tiling"]),
        ("sequential", ["enable_sequential_cpu_offload", "enable_slicing", "enable_tiling"]),
    ],
)
def test_offloading_keeps_weights_in_main_memory_on_a_gpu_only(offload: Any, calls: list[str]) -> None:
    import torch

    pipe = Recorded()
    checkpoints._place(pipe, Runtime(offload=offload), torch.device("cuda"))
    assert pipe.calls == calls
    pipe.calls.clear()
    checkpoints._place(pipe, Runtime(offload=offload), torch.device("cpu"))
    assert pipe.calls == ["to"]


def test_compiling_is_for_the_networks_of_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(checkpoints, "remember_condition", lambda controlnet: None)
    pipe, profile = Recorded(), _without(get_profile("sd15"), "ip_adapter")
    checkpoints._quicken(pipe, profile, Runtime(compile=True), torch.device("cuda"))
    assert pipe.calls == ["to", "to", "compile", "compile"]
    assert checkpoints.weights_dtype(profile, torch.device("cuda")) is torch.float16
    assert checkpoints.weights_dtype(profile, torch.device("cpu")) is torch.float32


def test_an_unknown_way_of_offloading_is_refused() -> None:
    with pytest.raises(ValueError, match="offload is 'disk'; it must be none, model or sequential"):
        Runtime(offload="disk")  # type: ignore[arg-type]
