"""Google's product taxonomy as far as feeds that give numbers need it: the top level and what shops sell most."""

from __future__ import annotations

from typing import Final

CATEGORY_PATHS: Final = {
    "1": "Animals & Pet Supplies",
    "8": "Arts & Entertainment",
    "111": "Business & Industrial",
    "141": "Cameras & Optics",
    "166": "Apparel & Accessories",
    "167": "Apparel & Accessories > Clothing Accessories",
    "187": "Apparel & Accessories > Shoes",
    "188": "Apparel & Accessories > Jewelry",
    "201": "Apparel & Accessories > Jewelry > Watches",
    "222": "Electronics",
    "412": "Food, Beverages & Tobacco",
    "436": "Furniture",
    "469": "Health & Beauty",
    "536": "Home & Garden",
    "537": "Baby & Toddler",
    "632": "Hardware",
    "638": "Home & Garden > Kitchen & Dining",
    "696": "Home & Garden > Decor",
    "783": "Media",
    "888": "Vehicles & Parts",
    "922": "Office Supplies",
    "988": "Sporting Goods",
    "1239": "Toys & Games",
    "1604": "Apparel & Accessories > Clothing",
    "2092": "Software",
    "3032": "Apparel & Accessories > Handbags, Wallets & Cases > Handbags",
    "5181": "Luggage & Bags",
    "5605": "Religious & Ceremonial",
    "6551": "Apparel & Accessories > Handbags, Wallets & Cases",
}


def category_path(text: str) -> str:
    """The path of one of Google's category numbers; any other text as it is."""
    return CATEGORY_PATHS.get(text, text)
