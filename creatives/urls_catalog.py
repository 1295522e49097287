"""Products, their pictures, and imports."""

from __future__ import annotations

from django.urls import path

from creatives.views import catalog, feed_sources, gallery, imports, layouts, products

urlpatterns = [
    path("catalog/", catalog.catalog, name="catalog"),
    path("catalog/upload/", imports.upload, name="catalog-upload"),
    path("catalog/imports/", imports.imports, name="imports"),
    path("catalog/imports/<int:import_id>/", imports.one_import, name="import"),
    path("catalog/imports/<int:import_id>/columns/", imports.columns, name="import-columns"),
    path("catalog/imports/<int:import_id>/apply/", imports.apply, name="import-apply"),
    path("catalog/imports/<int:import_id>/issues.csv", imports.issues_csv, name="import-issues"),
    path("catalog/feeds/", feed_sources.sources, name="feed-sources"),
    path("catalog/feeds/add/", feed_sources.source_add, name="feed-source-add"),
    path("catalog/feeds/<int:source_id>/", feed_sources.source, name="feed-source"),
    path("catalog/feeds/<int:source_id>/edit/", feed_sources.source_edit, name="feed-source-edit"),
    path(
        "catalog/feeds/<int:source_id>/<str:action>/", feed_sources.source_action, name="feed-source-action"
    ),
    path("products/add/", products.product_add, name="product-add"),
    path("products/<int:product_id>/", products.product, name="product"),
    path("products/<int:product_id>/edit/", products.product_edit, name="product-edit"),
    path("products/<int:product_id>/status/", products.product_status, name="product-status"),
    path("products/<int:product_id>/creatives/", products.product_creatives, name="product-creatives"),
    path("products/<int:product_id>/creatives.zip", gallery.product_zip, name="product-zip"),
    path("products/<int:product_id>/vetoes/", gallery.veto_add, name="veto-add"),
    path("products/<int:product_id>/vetoes/<int:veto_id>/lift/", gallery.veto_lift, name="veto-lift"),
    path(
        "products/<int:product_id>/creatives/<int:creative_id>/<str:action>/",
        gallery.creative_action,
        name="creative-action",
    ),
    path("catalog/layouts/", layouts.layouts, name="layouts"),
    path("catalog/layouts/<slug:slug>/", layouts.layout, name="layout"),
    path("catalog/layouts/<slug:slug>/preview/", layouts.layout_preview, name="layout-preview"),
    path("products/<int:product_id>/images/", products.image_add, name="image-add"),
    path(
        "products/<int:product_id>/images/<int:image_id>/<str:action>/",
        products.image_action,
        name="image-action",
    ),
]
