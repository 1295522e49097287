"""Prompt pools and placements."""

from __future__ import annotations

from django.urls import path

from creatives.views import placements, pools, prompts

urlpatterns = [
    path("prompts/", prompts.prompts, name="prompts"),
    path("prompts/<int:prompt_id>/", prompts.prompt, name="prompt"),
    path("prompts/<int:prompt_id>/edit/", prompts.prompt_edit, name="prompt-edit"),
    path("prompts/<int:prompt_id>/retire/", prompts.prompt_retire, name="prompt-retire"),
    path("prompts/trials/<int:trial_id>/", prompts.prompt_trial, name="prompt-trial"),
    path("prompts/export.<str:kind>", pools.pool_export, name="pool-export"),
    path("prompts/import/", pools.pool_import, name="pool-import"),
    path("prompts/import/apply/", pools.pool_apply, name="pool-apply"),
    path("categories/add/", prompts.category_add, name="category-add"),
    path("categories/<int:category_id>/prompts/add/", prompts.prompt_add, name="prompt-add"),
    path("placements/", placements.placements, name="placements"),
    path("placements/add/", placements.placement_add, name="placement-add"),
    path("placements/preview/", placements.placement_preview, name="placement-preview"),
    path("placements/<slug:slug>/edit/", placements.placement, name="placement"),
    path("placements/<slug:slug>/switch/", placements.placement_switch, name="placement-switch"),
]
