"""How much one client may ask for at once."""

from dataclasses import dataclass

MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Of one request and one client."""

    body_bytes: int = 100 * MEGABYTE
    image_pixels: int = 89_000_000
    """Looked at before a picture is decoded."""
    queued_jobs: int = 1000
    """Jobs of one client that wait at the same time."""
    pictures: int = 10_000
    """Of one order."""
    open_calls: int = 256
    """Calls that wait for their pictures at the same time, of all clients."""
    event_listeners: int = 256
