"""Experiments: the list, one of them, what can be done with it, and the three phases together."""

from django.urls import path

from bandit import views_experiments as views

urlpatterns = [
    path("experiments/", views.experiments, name="experiments"),
    path("experiments/add/", views.experiment_add, name="experiment-add"),
    path("experiments/phases/", views.experiment_phases, name="experiment-phases"),
    path("experiments/holdout/", views.experiment_holdout, name="experiment-holdout"),
    path("experiments/<int:experiment_id>/", views.experiment, name="experiment"),
    path(
        "experiments/<int:experiment_id>/export.csv",
        views.experiment_file,
        {"kind": "csv"},
        name="experiment-csv",
    ),
    path(
        "experiments/<int:experiment_id>/export.json",
        views.experiment_file,
        {"kind": "json"},
        name="experiment-json",
    ),
    path("experiments/<int:experiment_id>/start/", views.experiment_start, name="experiment-start"),
    path("experiments/<int:experiment_id>/ask/", views.experiment_ask, name="experiment-ask"),
    path("experiments/<int:experiment_id>/widen/", views.experiment_widen, name="experiment-widen"),
    path("experiments/<int:experiment_id>/stop/", views.experiment_stop, name="experiment-stop"),
    path("experiments/<int:experiment_id>/discard/", views.experiment_discard, name="experiment-discard"),
]
