"""``python -m training {render,demo,studio,vae,words,products,masks,lines,diffusion,export,sheet,evaluate}``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

WORK = Path("var/studio")


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
    render.add_argument(
        "--rare", action="store_true", help="only scenes of the kinds that chance shows too seldom"
    )
    render.add_argument("--surfaces", nargs="+", default=(), help="only scenes on these, e.g. grass moss")
    render.add_argument("--empty", action="store_true", help="without products and props")
    render.add_argument("--small", action="store_true", help="at the smaller class of sizes")
    demo = commands.add_parser(
        "demo", help="write the demo catalogue's feed and render its photos (needs Blender)"
    )
    demo.add_argument("--out", type=Path, default=Path("creatives/demo"))
    studio = commands.add_parser("studio", help="render studio photos with exact masks (needs Blender)")
    studio.add_argument("--out", type=Path, default=Path("var/studio-photos"))
    studio.add_argument("--count", type=int, default=300)
    studio.add_argument("--seed", type=int, default=1)
    studio.add_argument("--side", type=int, default=256, help="pixels of a side")
    studio.add_argument("--shard", type=int, nargs=2, default=(0, 1), metavar=("K", "N"))
    vae = commands.add_parser("vae", help="train the autoencoder's decoder on the scenes rendered so far")
    vae.add_argument("--scenes", type=Path, default=Path("var/scenes"))
    vae.add_argument("--work", type=Path, default=WORK)
    vae.add_argument("--minutes", type=float, default=30)
    vae.add_argument("--threads", type=int, default=2)
    vae.add_argument("--seed", type=int, default=1)
    words = commands.add_parser("words", help="teach the text encoder what captions mean, before diffusion")
    products = commands.add_parser(
        "products", help="teach the vision encoder what products look like, before diffusion"
    )
    lines = commands.add_parser("lines", help="trace the lines of the settings that were rendered empty")
    lines.add_argument("--settings", type=Path, default=Path("var/settings"))
    lines.add_argument("--work", type=Path, default=WORK)
    masks = commands.add_parser(
        "masks", help="train the small network that tells products from shadows in studio photos"
    )
    masks.add_argument("--scenes", type=Path, default=Path("var/scenes"))
    masks.add_argument("--photos", type=Path, default=Path("var/studio-photos"))
    masks.add_argument(
        "--out", type=Path, default=Path("creatives/checkpoints/studio-mask/studio-mask.safetensors")
    )
    masks.add_argument("--steps", type=int, default=1800)
    masks.add_argument("--start", type=Path, help="weights to begin with, e.g. those that ship")
    masks.add_argument("--threads", type=int, default=1)
    for command in (words, products):
        command.add_argument("--scenes", type=Path, default=Path("var/scenes"))
        command.add_argument("--work", type=Path, default=WORK)
        command.add_argument("--minutes", type=float, default=4)
        command.add_argument("--threads", type=int, default=2)
        command.add_argument("--seed", type=int, default=1)
    diffusion = commands.add_parser(
        "diffusion", help="train text encoder, denoiser, ControlNet and IP-Adapter on encoded scenes"
    )
    diffusion.add_argument("--scenes", type=Path, default=Path("var/scenes"))
    diffusion.add_argument("--work", type=Path, default=WORK)
    diffusion.add_argument("--minutes", type=float, default=45)
    diffusion.add_argument(
        "--until", type=float, default=1e9, help="stop at this minute of the budget, to go on later"
    )
    diffusion.add_argument(
        "--scale", type=float, default=1.0, help="of large scenes: 0.3333 first, then 0.6667, then 1"
    )
    diffusion.add_argument("--batch", type=int, default=12)
    diffusion.add_argument("--peak", type=float, default=1e-3, help="highest learning rate")
    diffusion.add_argument("--processes", type=int, default=2)
    diffusion.add_argument("--seed", type=int, default=1)
    export = commands.add_parser("export", help="write the checkpoint folder")
    export.add_argument("--work", type=Path, default=WORK)
    export.add_argument("--out", type=Path, default=Path("creatives/checkpoints/studio-tiny"))
    sheet = commands.add_parser("sheet", help="draw the contact sheets of a checkpoint into docs/images")
    sheet.add_argument("names", nargs="*", help="only these, e.g. prompts seeds; default: all of them")
    sheet.add_argument("--out", type=Path, default=Path("docs/images"))
    evaluate = commands.add_parser(
        "evaluate", help="measure a checkpoint: adherence, structure, conditioning, distance, variety"
    )
    evaluate.add_argument("--scenes", type=Path, default=Path("var/scenes"))
    evaluate.add_argument("--out", type=Path, default=Path("var/training/evaluation.json"))
    evaluate.add_argument(
        "--cache", type=Path, default=Path("var/training/evaluation"), help="judges and pictures"
    )
    evaluate.add_argument("--count", type=int, default=48, help="pictures per set")
    evaluate.add_argument("--larger", action="store_true", help="paint in the checkpoint's largest buckets")
    evaluate.add_argument(
        "--networks", type=Path, help="folder of step 1's weights; default: GrabCut for clutter"
    )
    for command in (sheet, evaluate):
        command.add_argument("--checkpoint", type=Path, default=Path("creatives/checkpoints/studio-tiny"))
        command.add_argument(
            "--work", type=Path, help="a training folder, to take its present weights instead"
        )
        command.add_argument(
            "--products", type=Path, help="a folder of product photos; default: the demo catalogue's"
        )
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--threads", type=int, default=1)
    return root


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = parser().parse_args(argv)
    if options.command == "render":
        from training.blender.render import render_scenes

        render_scenes(
            options.out, options.count, options.seed, options.samples, tuple(options.shard),
            only_rare=options.rare, surfaces=options.surfaces, small=options.small, empty=options.empty,
        )  # fmt: skip
    if options.command == "demo":
        from training.catalogue import write_feed

        write_feed(options.out)
        from training.blender.photos import photograph_all

        photograph_all(options.out / "images")
    if options.command == "studio":
        from training.blender.studio import photograph_studio

        photograph_studio(options.out, options.count, options.seed, tuple(options.shard), options.side)
    if options.command == "vae":
        import torch

        from training.patches import load_basis
        from training.vae import train_vae

        torch.set_num_threads(options.threads)
        basis = load_basis(options.work, options.scenes)
        train_vae(options.scenes, options.work / "vae.pt", basis, options.minutes, options.seed)
    if options.command == "words":
        import torch

        from training.words import learn_words

        torch.set_num_threads(options.threads)
        learn_words(options.scenes, options.work, options.minutes, options.seed)
    if options.command == "products":
        import torch

        from training.products import learn_products

        torch.set_num_threads(options.threads)
        learn_products(options.scenes, options.work, options.minutes, options.seed)
    if options.command == "masks":
        import torch

        from training.masks import train_masks

        torch.set_num_threads(options.threads)
        train_masks(options.scenes, options.photos, options.out, options.steps, start=options.start)
    if options.command == "lines":
        from training.lines import FILE, learn_lines

        for (part, kind), count in sorted(learn_lines(options.settings, options.work / FILE).items()):
            print(f"{part} {kind}: {count}")
    if options.command == "diffusion":
        from training.diffusion import train_diffusion

        train_diffusion(
            options.scenes, options.work, options.minutes, options.scale, options.batch, options.processes, options.seed,
            options.until, options.peak,
        )  # fmt: skip
    if options.command == "export":
        from training.export import export as write_checkpoint

        print(f"{options.out}: {write_checkpoint(options.work, options.out):.1f} MB")
    if options.command in ("sheet", "evaluate"):
        _judge(options)
    return 0


def _judge(options: argparse.Namespace) -> None:
    """Sheets or measurements of a checkpoint folder, or of a training folder's present weights."""
    import torch

    torch.set_num_threads(options.threads)
    checkpoint = options.checkpoint
    if options.work:
        from training.export import export

        checkpoint = options.work / "checkpoint"
        export(options.work, checkpoint)
    if options.command == "sheet":
        from training.sheet import draw_sheets

        draw_sheets(checkpoint, options.out, options.names, options.products, options.seed)
    else:
        from training.evaluate.report import Plan, evaluate

        plan = Plan(
            checkpoint, options.scenes, options.cache, options.count, options.seed, options.products, options.networks,
            options.larger,
        )  # fmt: skip
        evaluate(plan, options.out)


if __name__ == "__main__":
    sys.exit(main())
