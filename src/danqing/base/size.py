"""Sizes: pixels to latents and back, as A1111 rounds them."""


def latent_size(width: int, height: int, factor: int = 8) -> tuple[int, int]:
    """(width, height) of the latent: rounded down, so 300x400 becomes 37x50 and paints 296x400."""
    return width // factor, height // factor


def painted_size(width: int, height: int, factor: int = 8) -> tuple[int, int]:
    """(width, height) in pixels that the decoder gives back for an asked size."""
    return width // factor * factor, height // factor * factor


def hires_size(width: int, height: int, upscale: float, to_width: int, to_height: int) -> tuple[int, int]:
    """(width, height) of the second pass before cropping: by a factor, or to a size where 0 keeps the ratio.

    When both sides are given the picture covers the target and `hires_crop` says what is cut off afterwards.
    """
    if to_width == 0 and to_height == 0:
        return int(width * upscale), int(height * upscale)
    if to_height == 0:
        return to_width, to_width * height // width
    if to_width == 0:
        return to_height * width // height, to_height
    if width * to_height > to_width * height:  # the source is wider than the target: match heights
        return to_height * width // height, to_height
    return to_width, to_width * height // width


def hires_crop(upscaled: tuple[int, int], to_width: int, to_height: int, factor: int = 8) -> tuple[int, int]:
    """Latent columns and rows to cut away (in all) when both target sides were asked for."""
    if to_width == 0 or to_height == 0:
        return 0, 0
    return (upscaled[0] - to_width) // factor, (upscaled[1] - to_height) // factor
