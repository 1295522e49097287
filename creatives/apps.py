"""App configuration."""

from django.apps import AppConfig


class CreativesConfig(AppConfig):
    """Catalogue, prompts, placements, generation and delivery."""

    name = "creatives"

    def ready(self) -> None:
        """Register the system checks."""
        from config import checks  # noqa: F401
