"""What an unknown header is likely to mean: a start for the person who names the columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from .columns import COLUMN_FIELDS, REPEATABLE, normalised

_WORDS: Final = {
    "id": "id sku product_id productid item_id itemid article_number artikelnummer artnr art_nr item_number "
    "product_code code reference handle variant_sku ean identifier uid",
    "title": "title name product_name productname product_title item_name artikelname bezeichnung titel nom nombre",
    "description": "description body desc long_description product_description beschreibung body_html text",
    "link": "link url product_url producturl product_link deeplink deep_link page permalink product_page",
    "image_link": "image_link image image_url imageurl img picture photo main_image image_src bild bild_url thumbnail",
    "additional_image_link": "additional_image_link additional_images more_images image_2 image2 image_url_2 gallery",
    "price": "price regular_price sale_price unit_price preis prix precio amount variant_price",
    "availability": "availability stock in_stock stock_status verfuegbarkeit status_stock",
    "brand": "brand vendor manufacturer marke hersteller marque make",
    "color": "color colour farbe couleur",
    "size": "size groesse taille",
    "gender": "gender sex geschlecht",
    "google_product_category": "google_product_category google_category taxonomy product_category",
    "product_type": "product_type type category categories kategorie warengruppe category_path categorie",
    "item_group_id": "item_group_id parent_id parent_sku group_id style",
    "status": "status state visibility published",
}
_FIELD_OF: Final = {word: name for name, words in _WORDS.items() for word in words.split()}


_ASCII: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e"})


def guess(names: Sequence[str]) -> list[str | None]:
    """A field for each header, each field once (additional pictures as often as there are); None for no idea."""
    taken: set[str] = set()
    found: list[str | None] = []
    for name in names:
        key = re.sub(r"[^a-z0-9_]+", "", normalised(name).translate(_ASCII))
        meant = key if key in COLUMN_FIELDS else _FIELD_OF.get(key)
        if meant == "image_link" and meant in taken:
            meant = "additional_image_link"
        if meant in taken and meant not in REPEATABLE:
            meant = None
        if meant is not None:
            taken.add(meant)
        found.append(meant)
    return found
