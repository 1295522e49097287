"""The demo catalogue: its products, its prompts and the two files that describe them (no Blender here)."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

APPAREL, HOME, BEAUTY, TECH = "Apparel & Accessories", "Home & Garden", "Health & Beauty", "Electronics"
COLUMNS = (
    "id", "title", "description", "link", "image_link", "availability", "price", "brand", "google_product_category",
    "product_type", "color",
)  # fmt: skip


@dataclass(frozen=True)
class DemoProduct:
    """One product of the catalogue. ``shape`` is a builder's name; colours are palette keys; price in euros."""

    id: str
    title: str
    shape: str
    main: str
    accent: str
    price: str
    brand: str
    category: str
    kind: str
    description: str


def _p(
    key: str, title: str, shape: str, colours: str, price: str, brand: str, category: str, description: str
) -> DemoProduct:
    main, accent = colours.split("/")
    return DemoProduct(
        key, title, shape, main, accent, price, brand, category, category.split(" > ")[-1], description
    )


PRODUCTS: tuple[DemoProduct, ...] = (
    _p("TEE-MUS", "Essential T-shirt, mustard", "tshirt", "mustard/mustard", "29.00", "Lindholt", f"{APPAREL} > Clothing > Shirts & Tops", "Heavy organic cotton with a round neck and a straight fit."),
    _p("TEE-NVY", "Essential T-shirt, navy", "tshirt", "navy/navy", "29.00", "Lindholt", f"{APPAREL} > Clothing > Shirts & Tops", "Heavy organic cotton with a round neck and a straight fit."),
    _p("TEE-RED", "Signal T-shirt, red", "tshirt", "red/white", "32.00", "Lindholt", f"{APPAREL} > Clothing > Shirts & Tops", "Brushed cotton in a clear red, garment washed."),
    _p("HOOD-GRN", "Harbour hoodie, green", "hoodie", "green/white", "69.00", "Lindholt", f"{APPAREL} > Clothing > Activewear", "Loopback hoodie with a kangaroo pocket and flat strings."),
    _p("HOOD-GRY", "Harbour hoodie, grey", "hoodie", "grey/white", "69.00", "Lindholt", f"{APPAREL} > Clothing > Activewear", "Loopback hoodie with a kangaroo pocket and flat strings."),
    _p("KNIT-MUS", "Knitwear set, mustard and charcoal", "folded", "mustard/charcoal", "89.00", "Ovre", f"{APPAREL} > Clothing > Shirts & Tops", "Soft merino jumpers, folded and ready to give."),
    _p("SNK-BLU", "Court sneaker, blue", "sneaker", "blue/orange", "95.00", "Strada", f"{APPAREL} > Shoes", "Low sneaker with a cup sole and cotton laces."),
    _p("SNK-TAN", "Court sneaker, tan", "sneaker", "tan/brown", "95.00", "Strada", f"{APPAREL} > Shoes", "Low sneaker with a cup sole and cotton laces."),
    _p("SNK-RED", "Runner, red", "sneaker", "red/charcoal", "119.00", "Strada", f"{APPAREL} > Shoes", "Light running shoe with a stiff heel."),
    _p("CAP-NVY", "Six-panel cap, navy", "cap", "navy/white", "24.00", "Lindholt", f"{APPAREL} > Clothing Accessories > Hats", "Washed cotton cap with a curved brim."),
    _p("CAP-TEAL", "Six-panel cap, teal", "cap", "teal/cream", "24.00", "Lindholt", f"{APPAREL} > Clothing Accessories > Hats", "Washed cotton cap with a curved brim."),
    _p("TOTE-TAN", "Market tote, tan", "tote", "tan/brown", "49.00", "Ovre", f"{APPAREL} > Handbags, Wallets & Cases", "Waxed canvas tote with round handles."),
    _p("TOTE-BLK", "Market tote, black", "tote", "charcoal/tan", "49.00", "Ovre", f"{APPAREL} > Handbags, Wallets & Cases", "Waxed canvas tote with round handles."),
    _p("PACK-ORG", "Day pack, orange", "backpack", "orange/charcoal", "79.00", "Ovre", f"{APPAREL} > Luggage & Bags > Backpacks", "Eighteen litres, padded, with a front pocket."),
    _p("WATCH-BRN", "Field watch, brown strap", "watch", "brown/cream", "149.00", "Meridian", f"{APPAREL} > Jewelry > Watches", "Steel case of 38 mm, sapphire glass, leather strap."),
    _p("WATCH-BLK", "Field watch, black strap", "watch", "black/navy", "149.00", "Meridian", f"{APPAREL} > Jewelry > Watches", "Steel case of 38 mm, sapphire glass, leather strap."),
    _p("MUG-CRM", "Stoneware mug, cream", "mug", "cream/cream", "16.00", "Fjell", f"{HOME} > Kitchen & Dining", "Hand-glazed mug for 350 ml."),
    _p("MUG-BLU", "Stoneware mug, blue", "mug", "blue/blue", "16.00", "Fjell", f"{HOME} > Kitchen & Dining", "Hand-glazed mug for 350 ml."),
    _p("VASE-TEAL", "Belly vase, teal", "vase", "teal/teal", "39.00", "Fjell", f"{HOME} > Decor > Vases", "Thrown vase with a narrow neck."),
    _p("VASE-WHT", "Belly vase, white", "vase", "white/white", "39.00", "Fjell", f"{HOME} > Decor > Vases", "Thrown vase with a narrow neck."),
    _p("LAMP-MUS", "Table lamp, mustard", "lamp", "mustard/charcoal", "59.00", "Fjell", f"{HOME} > Lighting > Lamps", "Linen shade on a metal foot."),
    _p("STOOL-OAK", "Round stool", "stool", "tan/brown", "85.00", "Fjell", f"{HOME} > Furniture > Stools", "Solid stool, also a bedside table."),
    _p("BOT-GRN", "Herb shower gel", "bottle", "green/cream", "12.00", "Salt & Fern", f"{BEAUTY} > Personal Care", "Rosemary and mint, 300 ml."),
    _p("BOT-WHT", "Body lotion", "bottle", "white/tan", "18.00", "Salt & Fern", f"{BEAUTY} > Personal Care", "Unscented lotion with oat oil, 250 ml."),
    _p("JAR-PNK", "Night cream", "jar", "pink/tan", "34.00", "Salt & Fern", f"{BEAUTY} > Personal Care > Cosmetics", "Rich cream in a glass jar, 50 ml."),
    _p("TUBE-PRP", "Hand cream, lavender", "tube", "purple/white", "9.00", "Salt & Fern", f"{BEAUTY} > Personal Care > Cosmetics", "Quickly absorbed, 75 ml."),
    _p("SOAP-TAN", "Bar soap, oat", "soap", "cream/teal", "7.00", "Salt & Fern", f"{BEAUTY} > Personal Care", "Cold-processed soap with a paper band."),
    _p("HEAD-BLK", "Over-ear headphones, black", "headphones", "charcoal/grey", "129.00", "Tonhaus", f"{TECH} > Audio", "Closed headphones with thirty hours of battery."),
    _p("HEAD-ORG", "Over-ear headphones, orange", "headphones", "orange/white", "129.00", "Tonhaus", f"{TECH} > Audio", "Closed headphones with thirty hours of battery."),
    _p("SPK-NVY", "Shelf speaker, navy", "speaker", "navy/grey", "199.00", "Tonhaus", f"{TECH} > Audio", "Two-way shelf speaker with a rounded cabinet."),
    _p("PHONE-BLK", "Slate phone", "phone", "charcoal/teal", "399.00", "Tonhaus", f"{TECH} > Communications > Telephony", "A light phone with a plain screen."),
)  # fmt: skip

_AVOID = ""
PROMPTS: dict[str, tuple[tuple[str, str], ...]] = {
    APPAREL: (
        ("Oak and sage", "on an oak wood table in front of a sage green wall, soft daylight"),
        ("Beach", "on a sandy beach with the sea and a blue sky behind, bright sunlight"),
        ("Terracotta paper", "on seamless terracotta paper, studio shot, soft light"),
    ),
    HOME: (
        ("Walnut and window light", "on a dark walnut table, window light falling on a cream wall"),
        ("Marble and teal", "on white marble in front of a teal wall, soft daylight"),
        ("Garden", "on green grass with leafy foliage behind, sunny day"),
    ),
    BEAUTY: (
        ("White marble", "on white marble in front of a blush pink wall, soft daylight"),
        ("Leaf shadows", "on beige linen, leaf shadows on a cream wall, sunlight"),
        ("Moss and foliage", "on green moss with leafy foliage behind, soft daylight"),
    ),
    TECH: (
        ("Night lights", "on a concrete surface at night with glowing city lights behind"),
        ("Walnut and charcoal", "on a dark walnut table in front of a charcoal wall, soft light"),
        ("Sky blue paper", "on seamless sky blue paper, studio shot, bright light"),
    ),
}


def feed_rows() -> list[dict[str, str]]:
    """The catalogue as rows of a Google Merchant feed."""
    return [
        {
            "id": p.id,
            "title": p.title,
            "description": p.description,
            "link": f"https://shop.example/p/{p.id}",
            "image_link": f"{p.id.lower()}.jpg",
            "availability": "in_stock",
            "price": f"{p.price} EUR",
            "brand": p.brand,
            "google_product_category": p.category,
            "product_type": p.kind,
            "color": p.main,
        }
        for p in PRODUCTS
    ]


def write_feed(folder: Path) -> None:
    """Write ``products.tsv`` and ``prompts.json`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "products.tsv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(feed_rows())
    pools = {
        path: [{"name": name, "text": text, "negative_text": _AVOID} for name, text in prompts]
        for path, prompts in PROMPTS.items()
    }
    (folder / "prompts.json").write_text(json.dumps(pools, indent=2) + "\n", encoding="utf-8")
