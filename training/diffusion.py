"""Trains text encoder, denoiser and ControlNet together on encoded scenes, on one or more processes."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from diffusers import DDPMScheduler
from torch import Tensor, nn
from torch.multiprocessing.spawn import start_processes

from training.captions import caption, vocabulary_corpus
from training.dataset import by_size, load_scene, scene_names
from training.latents import Item, encode, load_items
from training.models import SCHEDULE, new_controlnet, new_unet
from training.progress import Clock, learning_rate
from training.scenes import SIZES
from training.text import new_text_encoder, train_tokenizer
from training.vae import new_vae

PEAK, TEXT_DROPOUT, EDGE_DROPOUT, SHIFT = 8e-4, 0.1, 0.1, 2.0


class Trio(nn.Module):
    """The three models that learn together."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.text = new_text_encoder(tokenizer)
        self.unet = new_unet()
        self.control = new_controlnet(self.unet)

    def forward(self, noisy: Tensor, steps: Tensor, tokens: Tensor, edges: Tensor) -> Tensor:
        """Predicted velocity (N, 8, h, w); edges are (N, 3, 8h, 8w) in 0..1."""
        states = self.text(tokens)[0]
        down, middle = self.control(noisy, steps, states, edges, return_dict=False)
        return self.unet(
            noisy, steps, states, down_block_additional_residuals=down, mid_block_additional_residual=middle
        ).sample


class Average:
    """Exponential moving average of a module's weights, with the usual warm-up of the decay."""

    def __init__(self, module: nn.Module, decay: float = 0.96, every: int = 4) -> None:
        self.module, self.decay, self.every = copy.deepcopy(module).requires_grad_(False), decay, every

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the module's present weights, each ``every`` steps."""
        if step % self.every == 0:
            decay = min(self.decay, (1 + step) / (10 * self.every + step))
            torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - decay)


def load_vae(path: Path) -> Any:
    """The trained autoencoder, frozen."""
    vae = new_vae().to(memory_format=torch.channels_last)
    vae.load_state_dict(torch.load(path)["model"])
    return vae.eval().requires_grad_(False)


def latent_scale(work: Path, scenes: Path | None = None, sample: int = 80) -> float:
    """The factor that brings latents to deviation 1; measured on ``sample`` scenes once, then read from its file."""
    path = work / "scaling.json"
    if not path.exists():
        if scenes is None:
            raise FileNotFoundError(f"{path} is missing: run `python -m training diffusion` first")
        vae, rng = load_vae(work / "vae.pt"), random.Random(0)
        names = scene_names(scenes)[:: max(1, len(scene_names(scenes)) // sample)]
        items = [encode(vae, load_scene(scenes, name), rng, recolour=False, flip=False) for name in names]
        flat = torch.cat([item.latents.float().flatten(1) for item in items], 1)
        print(
            "latent deviations",
            [round(v, 2) for v in flat.std(1).tolist()],
            "means",
            [round(v, 2) for v in flat.mean(1).tolist()],
        )
        path.write_text(json.dumps(1 / float(flat.square().mean().sqrt())))
    return float(json.loads(path.read_text()))


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder, learnt there first if need be."""
    if (folder / "tokenizer.json").exists():
        from transformers import CLIPTokenizer

        return CLIPTokenizer.from_pretrained(folder)
    return train_tokenizer(vocabulary_corpus(), folder)


def velocity_loss(made: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Squared error of the velocity, weighted in space; all noise levels count alike.

    Min-SNR weights (Hang et al. 2023) were tried and starve high noise, where composition is decided.
    """
    each = ((made.float() - wanted).square() * weight).mean(dim=(1, 2, 3)) / weight.mean(dim=(1, 2, 3))
    return each.mean()


def draw_steps(count: int) -> Tensor:
    """Noise levels 0..999, stratified, shifted towards much noise (Esser et al. 2024, section 5.3.2)."""
    share = (torch.rand(1) + torch.arange(count) / count) % 1
    return (SHIFT * share / (1 + (SHIFT - 1) * share) * 1000).long().clamp(max=999)


def make_batch(
    items: list[Item], chosen: list[int], tokenizer: Any, rng: random.Random
) -> tuple[Tensor, ...]:
    """Latents, edges (zero for some), weights and token numbers (empty prompt for some) of the chosen items."""
    picked = [items[k] for k in chosen]
    latents = torch.stack([p.latents for p in picked]).float()
    edges = torch.stack([p.edges for p in picked]).float()[:, None].expand(-1, 3, -1, -1) / 255
    keep = torch.tensor([float(rng.random() >= EDGE_DROPOUT) for _ in picked])
    edges = (edges * keep[:, None, None, None]).contiguous(memory_format=torch.channels_last)
    texts = [
        "" if rng.random() < TEXT_DROPOUT else caption(p.spec, rng, recoloured=p.recoloured) for p in picked
    ]
    tokens = tokenizer(
        texts,
        padding="max_length",
        truncation=True,
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    )
    return latents, edges, torch.stack([p.weight for p in picked]), tokens.input_ids


def average_gradients(parameters: list[nn.Parameter], ranks: int) -> None:
    """Mean of all processes' gradients, as one flat message."""
    flat = torch.cat([p.grad.reshape(-1) for p in parameters if p.grad is not None])
    dist.all_reduce(flat)
    flat /= ranks
    start = 0
    for p in parameters:
        if p.grad is not None:
            p.grad.copy_(flat[start : start + p.numel()].view_as(p))
            start += p.numel()


def train_rank(
    rank: int,
    ranks: int,
    scenes: Path,
    work: Path,
    minutes: float,
    scale: float,
    batch: int,
    seed: int,
    until: float,
    peak: float,
) -> None:
    """One process of the training. Rank 0 writes ``work``/diffusion.pt every hundred steps and prints progress."""
    torch.set_num_threads(1)
    if ranks > 1:
        dist.init_process_group(
            "gloo", init_method=f"file://{work.resolve()}/meeting-{seed}-{scale}", rank=rank, world_size=ranks
        )
    tokenizer = load_tokenizer(work / "tokenizer")
    torch.manual_seed(seed)
    trio: Any = Trio(tokenizer)
    trio.to(memory_format=torch.channels_last)
    average = Average(trio)
    parameters = list(trio.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=PEAK, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    step, spent, path = 0, 0.0, work / "diffusion.pt"
    if path.exists():
        state = torch.load(path)
        trio.load_state_dict(state["model"])
        average.module.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    scaling = latent_scale(work)
    items = load_items(scenes, load_vae(work / "vae.pt"), scale, rank, ranks, seed)
    groups = by_size([item.size for item in items])
    clock = Clock(minutes, spent)
    rng, torch_seed = random.Random(seed * 1000 + rank + 17 * step), seed * 1000 + rank + 17 * step
    shared = random.Random(seed + step)
    torch.manual_seed(torch_seed)
    noise_schedule: Any = DDPMScheduler(**{k: v for k, v in SCHEDULE.items() if k != "timestep_spacing"})
    sizes = sorted(groups)
    wanted_shares = dict(SIZES)
    size_shares = [wanted_shares.get((round(w / scale), round(h / scale)), 1) for w, h in sizes]
    running = 0.0
    while True:
        share = torch.tensor([clock.share, clock.spent])
        if ranks > 1:
            dist.all_reduce(share, op=dist.ReduceOp.MAX)
        if share[1] >= min(minutes, until):
            break
        size = shared.choices(sizes, size_shares)[0]
        area = size[0] * size[1] / (65536 * scale * scale)
        latents, edges, weight, tokens = make_batch(
            items, rng.choices(groups[size], k=max(2, round(batch / area))), tokenizer, rng
        )
        latents, count = latents * scaling, len(latents)
        steps = draw_steps(count)
        noise = torch.randn_like(latents)
        noisy = noise_schedule.add_noise(latents, noise, steps)
        wanted = noise_schedule.get_velocity(latents, noise, steps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            made = trio(noisy.contiguous(memory_format=torch.channels_last), steps, tokens, edges)
        loss = velocity_loss(made, wanted, weight)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if ranks > 1:
            average_gradients(parameters, ranks)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(peak, step, share[0].item(), warmup=60)
        optimiser.step()
        average.update(trio, step)
        step += 1
        running += loss.item()
        if rank == 0 and step % 25 == 0:
            print(clock.line(step, loss=running / 25, items=len(items)), flush=True)
            running = 0.0
        if rank == 0 and step % 100 == 0:
            _save(path, trio, average, optimiser, step, clock.spent)
    if rank == 0:
        _save(path, trio, average, optimiser, step, clock.spent)


def _save(path: Path, trio: Trio, average: Average, optimiser: Any, step: int, spent: float) -> None:
    part = path.with_suffix(".part")
    state = {
        "model": trio.state_dict(),
        "average": average.module.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    torch.save({**state, "step": step, "spent": spent}, part)
    part.replace(path)


def train_diffusion(
    scenes: Path,
    work: Path,
    minutes: float,
    scale: float,
    batch: int,
    processes: int,
    seed: int,
    until: float,
    peak: float = PEAK,
) -> None:
    """Train for ``minutes`` in all, or up to minute ``until`` of them, to go on later.

    ``scale`` shrinks the scenes (0.5 first, then 1); ``batch`` is per process.
    """
    work.mkdir(parents=True, exist_ok=True)
    load_tokenizer(work / "tokenizer")
    latent_scale(work, scenes)
    (work / f"meeting-{seed}-{scale}").unlink(missing_ok=True)
    arguments = (processes, scenes, work, minutes, scale, batch, seed, until, peak)
    if processes == 1:
        train_rank(0, *arguments)
    else:
        start_processes(train_rank, arguments, nprocs=processes, start_method="spawn")
