"""Training of studio-tiny: parametric Blender scenes, VAE, text encoder, UNet and ControlNet."""
