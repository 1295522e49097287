"""How well a checkpoint paints, in figures: prompts, structure, product conditioning, distance to renders, variety."""
