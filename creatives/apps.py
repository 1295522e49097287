"""App configuration."""

from django.apps import AppConfig


class CreativesConfig(AppConfig):
    """Catalogue, prompts, placements, generation and delivery."""

    name = "creatives"
