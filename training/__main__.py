"""``python -m training {render,vae,diffusion,export,sheet,demo}``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The command line. Heavy libraries load only in the command that needs them."""
    root = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = root.add_subparsers(dest="command", required=True)
    render = commands.add_parser(
        "render", help="render scenes with Blender (needs training/requirements-render.txt)"
    )
    render.add_argument("--out", type=Path, default=Path("var/scenes"))
    render.add_argument("--count", type=int, default=1500)
    render.add_argument("--seed", type=int, default=1)
    render.add_argument("--samples", type=int, default=4)
    render.add_argument("--shard", type=int, nargs=2, default=(0, 1), metavar=("K", "N"))
    demo = commands.add_parser(
        "demo", help="write the demo catalogue's feed and render its photos (needs Blender)"
    )
    demo.add_argument("--out", type=Path, default=Path("creatives/demo"))
    vae = commands.add_parser("vae", help="train the autoencoder on the scenes rendered so far")
    vae.add_argument("--scenes", type=Path, default=Path("var/scenes"))
    vae.add_argument("--out", type=Path, default=Path("var/training/vae.pt"))
    vae.add_argument("--minutes", type=float, default=30)
    vae.add_argument("--threads", type=int, default=2)
    vae.add_argument("--seed", type=int, default=1)
    diffusion = commands.add_parser(
        "diffusion", help="train text encoder, denoiser and ControlNet on encoded scenes"
    )
    diffusion.add_argument("--scenes", type=Path, default=Path("var/scenes"))
    diffusion.add_argument("--work", type=Path, default=Path("var/training"))
    diffusion.add_argument("--minutes", type=float, default=45)
    diffusion.add_argument(
        "--until", type=float, default=1e9, help="stop at this minute of the budget, to go on later"
    )
    diffusion.add_argument("--scale", type=float, default=1.0)
    diffusion.add_argument("--batch", type=int, default=12)
    diffusion.add_argument("--peak", type=float, default=8e-4, help="highest learning rate")
    diffusion.add_argument("--processes", type=int, default=2)
    diffusion.add_argument("--seed", type=int, default=1)
    export = commands.add_parser("export", help="write the checkpoint folder")
    export.add_argument("--work", type=Path, default=Path("var/training"))
    export.add_argument("--out", type=Path, default=Path("creatives/checkpoints/studio-tiny"))
    sheet = commands.add_parser("sheet", help="paint a contact sheet with the present weights")
    sheet.add_argument("--scenes", type=Path, default=Path("var/scenes"))
    sheet.add_argument("--work", type=Path, default=Path("var/training"))
    sheet.add_argument("--out", type=Path, default=Path("var/training/sheet.png"))
    sheet.add_argument("--columns", type=int, default=2)
    sheet.add_argument("--steps", type=int, default=10)
    sheet.add_argument("--guidance", type=float, default=3.0)
    sheet.add_argument("--conditioning", type=float, default=1.0)
    sheet.add_argument("--threads", type=int, default=1)
    return root


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = parser().parse_args(argv)
    if options.command == "render":
        from training.blender.render import render_scenes

        render_scenes(options.out, options.count, options.seed, options.samples, tuple(options.shard))
    if options.command == "demo":
        from training.catalogue import write_feed

        write_feed(options.out)
        from training.blender.photos import photograph_all

        photograph_all(options.out / "images")
    if options.command == "vae":
        import torch

        from training.vae import train_vae

        torch.set_num_threads(options.threads)
        train_vae(options.scenes, options.out, options.minutes, options.seed)
    if options.command == "diffusion":
        from training.diffusion import train_diffusion

        train_diffusion(
            options.scenes, options.work, options.minutes, options.scale, options.batch, options.processes, options.seed,
            options.until, options.peak,
        )  # fmt: skip
    if options.command == "export":
        from training.export import export as write_checkpoint

        print(f"{options.out}: {write_checkpoint(options.work, options.out):.1f} MB")
    if options.command == "sheet":
        import torch

        from training.export import averaged_pipeline
        from training.sheet import sheet as paint_sheet

        torch.set_num_threads(options.threads)
        paint_sheet(
            averaged_pipeline(options.work), options.scenes, options.out, columns=options.columns, steps=options.steps,
            guidance=options.guidance, conditioning=options.conditioning,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
