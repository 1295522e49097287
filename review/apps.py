"""App configuration."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """People decide which creatives are served."""

    name = "review"
