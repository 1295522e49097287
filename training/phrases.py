"""The words for all that a scene can hold: ``{c}`` stands for a colour's name, which may be left out."""

from __future__ import annotations

from collections.abc import Mapping

Table = Mapping[str, tuple[str, ...]]

SURFACES: Table = {
    "oak": ("on an oak wood table", "on an oak table", "on a light wooden table", "on a wood table", "on oak boards", "on light wood", "on a rustic oak tabletop", "on a wooden table"),
    "walnut": ("on a dark walnut table", "on a walnut table", "on a dark wooden table", "on dark wood", "on walnut boards", "on rich dark wood"),
    "marble": ("on white marble", "on a white marble table", "on a marble surface", "on a marble counter", "on a marble worktop", "on polished white marble"),
    "black marble": ("on black marble", "on a black marble table", "on dark marble", "on a black marble counter"),
    "concrete": ("on a concrete surface", "on concrete", "on grey concrete", "on a concrete floor", "on raw concrete"),
    "sand": ("on sand", "on fine sand", "on warm sand", "on the sand", "on golden sand"),
    "shore": ("on wet sand at the water's edge", "at the water's edge", "on wet sand by the waves", "on the shore with gentle waves", "where the waves meet the sand"),
    "water": ("standing in shallow water", "in a pool of clear water", "in rippling water", "above rippling turquoise water", "in clear blue water"),
    "snow": ("on snow", "in fresh snow", "on white snow", "in the snow", "on powder snow"),
    "grass": ("on green grass", "on grass", "on a lawn", "in a meadow", "on fresh green grass"),
    "moss": ("on green moss", "on moss", "on a mossy forest floor", "on soft moss"),
    "slate": ("on slate", "on dark slate", "on a slate plate", "on dark stone", "on rough dark stone"),
    "stone": ("on natural stone", "on limestone", "on pale stone", "on travertine", "on a stone surface", "on a travertine slab"),
    "linen": ("on {c} linen", "on a {c} linen cloth", "on {c} fabric", "on draped {c} linen", "on a {c} tablecloth"),
    "velvet": ("on {c} velvet", "on draped {c} velvet", "on a {c} velvet cloth", "on soft {c} velvet"),
    "satin": ("on {c} satin", "on {c} silk", "on draped {c} satin", "on flowing {c} silk", "on a {c} satin sheet"),
    "tiles": ("on {c} tiles", "on glazed {c} tiles", "on a {c} tiled counter", "on {c} zellige tiles", "on square {c} tiles"),
    "glossy black": ("on a glossy black surface", "on black glass", "on a shiny black table", "on a black mirror"),
    "paper": ("on seamless {c} paper", "on a {c} paper backdrop", "on a plain {c} background", "{c} studio backdrop", "on {c} paper", "on a clean {c} background", "minimal {c} studio set"),
}  # fmt: skip
BACKDROPS: Table = {
    "wall": ("in front of a {c} wall", "{c} wall behind", "before a {c} wall", "against a {c} wall", "with a {c} wall", "{c} background wall", "a plain {c} wall in the background"),
    "window": ("window light falling on a {c} wall", "window light on a {c} wall", "sunlight through a window on a {c} wall", "{c} wall with window light", "window shadows on a {c} wall", "{c} wall with the shadow of a window"),
    "leaf shadow": ("leaf shadows on a {c} wall", "plant shadows on a {c} wall", "{c} wall with leaf shadows", "dappled shadows on a {c} wall", "palm leaf shadows on a {c} wall"),
    "tile wall": ("in front of a {c} tiled wall", "{c} wall tiles behind", "{c} bathroom tiles behind", "against a {c} tile wall", "in a bathroom with {c} tiles"),
    "foliage": ("with leafy foliage behind", "green foliage behind", "in front of green leaves", "garden behind", "leafy green background", "in a sunlit garden", "lush green leaves in the background"),
    "bokeh": ("at night with glowing city lights behind", "night bokeh lights behind", "city lights at night", "with bokeh lights", "at night, blurred lights behind", "glowing lights in the dark"),
    "shelves": ("with {c} shelves behind", "in front of blurred {c} shelves", "shelves in the background", "in a shop with {c} shelves", "bookshelves behind", "in front of a shelf with books and pots"),
    "room": ("in a living room with a {c} wall", "in a bright {c} living room", "blurred {c} interior behind", "in a cosy {c} room", "living room in the background", "in a home with {c} walls"),
    "street": ("on a city street by day", "with a street behind", "blurred street and houses behind", "outside a café in town", "in town with house fronts behind", "urban street in the background"),
    "winter trees": ("with snowy trees behind", "in a winter forest", "snowy firs behind", "winter landscape behind", "in front of frosty pines"),
    "sea": ("with the sea and a blue sky behind", "sea and sky behind", "by the sea", "in front of the ocean, blue sky", "ocean in the background", "with blue sea behind"),
    "sea sunset": ("with the sea at sunset behind", "by the sea at sunset", "sunset over the sea", "ocean and orange sunset sky", "at sunset by the ocean"),
    "blue sky": ("under a blue sky", "blue sky behind", "with a clear blue sky", "bright blue sky with clouds behind"),
}  # fmt: skip
LIGHTS: Table = {
    "soft": ("soft daylight", "soft light", "diffuse light", "soft studio light", "gentle daylight", "natural light"),
    "warm": ("warm light", "warm evening light", "golden light", "cosy warm light", "golden hour", "warm glow"),
    "sunny": ("bright sunlight", "sunny day", "hard sunlight", "sunlight", "bright light", "summer sun", "hard shadows"),
    "moody": ("moody light", "dramatic light", "dark and moody", "low key light"),
    "night": ("at night", "night scene", "evening mood", "late at night"),
}  # fmt: skip
PROPS: Table = {
    "podium": ("on a round {c} podium", "on a {c} pedestal", "on a {c} podium", "{c} display podium"),
    "block": ("on a square {c} plinth", "on a {c} block", "on {c} cubes", "geometric {c} blocks"),
    "arch": ("with a {c} arch behind", "framed by a {c} arch", "{c} arch"),
    "plant": ("beside a potted plant", "with a plant", "green plant beside it", "next to a houseplant"),
    "pebbles": ("with pebbles", "beside smooth stones", "surrounded by pebbles", "with river stones"),
    "petals": ("with {c} flower petals", "scattered {c} petals", "surrounded by {c} rose petals", "{c} petals around it"),
    "candles": ("with {c} candles", "candlelight", "beside burning {c} candles", "with a lit {c} candle"),
    "oranges": ("with oranges", "beside fresh oranges", "orange fruit and slices", "with citrus fruit"),
    "lemons": ("with lemons", "beside fresh lemons", "with lemon halves", "with citrus fruit"),
    "fabric": ("on a folded {c} cloth", "with a {c} silk cloth", "with {c} fabric folds", "on a piece of {c} fabric"),
    "sprig": ("with eucalyptus", "with green twigs", "beside leafy twigs", "with eucalyptus leaves"),
}  # fmt: skip
EXTRAS: Table = {
    "petals": ("with petals", "scattered petals"),
    "pebbles": ("with pebbles", "with small stones"),
    "sprig": ("with eucalyptus", "with a green twig"),
}
HARMONIES: Table = {
    "tone": ("tone on tone", "matching colours", "in the colours of the product", "monochrome"),
    "contrast": ("contrasting colours", "complementary colours", "bold colour contrast"),
}
PRODUCTS: Table = {
    "bottle": ("bottle", "lotion bottle"), "mug": ("mug", "cup", "coffee mug"), "jar": ("jar", "cream jar"), "vase": ("vase",),
    "box": ("box", "package"), "soap": ("soap", "bar of soap"), "lamp": ("lamp", "table lamp"), "sneaker": ("sneaker", "shoe"),
    "tote": ("bag", "tote bag", "handbag"), "cap": ("cap", "hat"), "tshirt": ("t-shirt", "shirt"), "hoodie": ("hoodie", "sweatshirt"),
    "folded": ("folded clothes", "jumper"), "watch": ("watch", "wristwatch"), "headphones": ("headphones",),
    "speaker": ("speaker", "loudspeaker"), "phone": ("phone", "smartphone"), "stool": ("stool",), "backpack": ("backpack", "bag"),
    "tube": ("tube", "cream tube"), "perfume": ("perfume", "perfume bottle", "fragrance"), "dropper": ("serum", "dropper bottle", "serum bottle"),
    "handbag": ("handbag", "leather bag", "bag"), "boot": ("boot", "leather boot", "shoe"), "shirt": ("shirt", "shirt on a hanger"),
    "dress": ("dress", "dress on a hanger"), "towels": ("towels", "stack of towels", "folded towels"),
    "laptop": ("laptop", "notebook", "computer"), "chair": ("chair", "armchair"),
}  # fmt: skip
THINGS = ("product", "product", "item")
VIEWS = ("flat lay", "top view", "seen from above", "from above", "overhead shot")
BEACHES = ("on a sandy beach", "on a beach", "on the beach", "on a sunny beach")
STYLES = (
    "product photo", "advertising photo", "studio shot", "product shot", "commercial photo", "still life",
    "minimal product photo", "lifestyle photo", "ad photo",
)  # fmt: skip
PREPOSITIONS = frozenset(
    {"on", "in", "at", "by", "with", "before", "against", "under", "above", "where", "standing", "outside"}
)
OTHER_WORDS = "a photo of an object, empty, blurry, dark, bright, low quality, text, people"
