"""The five steps from a product photo to a creative: arrays in, arrays out, no Django."""
