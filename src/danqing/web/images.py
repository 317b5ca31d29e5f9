"""Pictures in requests: base64, data URLs, and web addresses where they are allowed. What comes out is the bytes of a file, not yet decoded."""

import base64
import binascii
import io
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from PIL import Image

from danqing.base.errors import ImageError
from danqing.pixels.embedded import BROKEN
from danqing.pixels.files import READABLE
from danqing.web.limits import Limits
from danqing.web.problems import UNPROCESSABLE, Refused

DATA_URL = re.compile(r"\s*data:[\w.+/-]{0,64}(?:;[\w=.-]{0,64}){0,4},", re.IGNORECASE)
TIMEOUT = 30.0
MOST_REDIRECTS = 3
INVALID = "Invalid encoded image"

Resolve = Callable[[str, int], Iterable[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses behind a name."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as problem:
        raise ImageError(f"the address {host[:80]!r} leads nowhere ({problem})") from problem


@dataclass(frozen=True)
class Intake:
    """Turns what a request holds into bytes. `urls`: whether web addresses may be fetched at all."""

    limits: Limits
    urls: bool = False
    resolve: Resolve = resolve
    transport: httpx2.BaseTransport | None = None

    def bytes_of(self, text: str) -> bytes:
        """The bytes of one picture. Raises ImageError for what is none, Refused for an address that may not be fetched."""
        if text[:8].lower().startswith(("http://", "https://")):
            data = self._fetched(text)
        else:
            head = DATA_URL.match(text)
            data = _decoded(text[head.end() :] if head else text)
        self.look_at(data)
        return data

    def look_at(self, data: bytes) -> None:
        """Raises ImageError for bytes that are no picture, or one with too many pixels. Nothing is decoded."""
        try:
            with Image.open(io.BytesIO(data), formats=READABLE) as image:
                width, height = image.size
        except (*BROKEN, Image.DecompressionBombError, MemoryError) as problem:
            raise ImageError(f"{INVALID}: it is no picture that can be read, or damaged") from problem
        if width * height > self.limits.image_pixels:
            most = self.limits.image_pixels
            raise ImageError(
                f"the picture has {width}x{height} pixels; at most {most:,} are opened: make it smaller first"
            )

    def _fetched(self, url: str) -> bytes:
        if not self.urls:
            raise Refused(
                UNPROCESSABLE, "Requests not allowed: start the server with --allow-urls, or send the picture itself"
            )
        try:
            with httpx2.Client(timeout=TIMEOUT, trust_env=False, transport=self.transport) as client:
                for _ in range(MOST_REDIRECTS + 1):
                    data, url = self._one_answer(client, url)
                    if not url:
                        return data
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            raise ImageError(f"{url[:80]} could not be fetched ({str(problem)[:80]})") from problem
        raise ImageError(f"{url[:80]} leads from one address to the next; give the last one")

    def _one_answer(self, client: httpx2.Client, url: str) -> tuple[bytes, str]:
        """(the picture, ""), or (b"", where it leads to). Each step is looked at before it is taken."""
        address, host = self._public(url)
        # The address that was looked at is the one that is called: a name could mean another the next time.
        request = client.build_request(
            "GET", address, headers={"Host": host}, extensions={"sni_hostname": host.partition(":")[0]}
        )
        answer = client.send(request, stream=True)
        try:
            if answer.is_redirect:
                return b"", str(httpx2.URL(url).join(answer.headers.get("location", "")))
            if answer.status_code != httpx2.codes.OK:
                raise ImageError(f"{url[:80]} answered {answer.status_code}; give the address of a picture")
            return self._read(answer, url), ""
        finally:
            answer.close()

    def _read(self, answer: httpx2.Response, url: str) -> bytes:
        data = bytearray()
        for piece in answer.iter_bytes():
            data += piece
            if len(data) > self.limits.body_bytes:
                raise ImageError(f"{url[:80]} is larger than {self.limits.body_bytes:,} bytes; give a smaller picture")
        return bytes(data)

    def _public(self, url: str) -> tuple[str, str]:
        """(the URL with a public address in it, its Host). Raises Refused for an address of this machine or network."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
        except ValueError as problem:
            raise ImageError(f"{url[:80]} is no address of a picture") from problem
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            raise ImageError(f"{url[:80]} is no address of a picture")
        addresses = list(self.resolve(parts.hostname, port))
        if not addresses or not all(_is_public(address) for address in addresses):
            raise Refused(UNPROCESSABLE, "Request to local resource not allowed")
        address = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        query = f"?{parts.query}" if parts.query else ""
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{port}"
        return f"{parts.scheme}://{address}:{port}{parts.path or '/'}{query}", host


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise ImageError(f"{INVALID}: it is no base64") from problem
    if not data:
        raise ImageError(f"{INVALID}: it is empty")
    return data


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return (mapped or found).is_global and not (mapped or found).is_multicast
