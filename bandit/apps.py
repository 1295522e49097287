"""App configuration."""

from django.apps import AppConfig


class BanditConfig(AppConfig):
    """Decisions, events, learning and reports."""

    name = "bandit"
