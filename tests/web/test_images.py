"""Pictures in requests: what is taken, what is refused, and which addresses are never called."""

import base64
import io
from collections.abc import Callable

import httpx2
import pytest
from PIL import Image

from danqing.base.errors import ImageError
from danqing.web.images import Intake
from danqing.web.limits import Limits
from danqing.web.problems import Refused


def png(side: int = 4) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(stream, "PNG")
    return stream.getvalue()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def intake(answer: Callable[[httpx2.Request], httpx2.Response], *addresses: str) -> Intake:
    """One that may fetch, where every name leads to these addresses."""
    return Intake(Limits(), True, lambda host, port: addresses or ("93.184.216.34",), httpx2.MockTransport(answer))


@pytest.mark.parametrize(
    "text",
    [
        encoded(png()),
        f"data:image/png;base64,{encoded(png())}",
        f" DATA:image/png;charset=utf-8;base64,{encoded(png())}\n",
        encoded(png())[:20] + "\n " + encoded(png())[20:],
    ],
)
def test_base64_is_taken_with_and_without_its_head(text: str) -> None:
    assert Intake(Limits()).bytes_of(text) == png()


@pytest.mark.parametrize(
    "text", ["", "x", "data:image/png;base64,", "äöü", encoded(b"no picture"), encoded(png()[:20])]
)
def test_what_is_no_picture_is_refused(text: str) -> None:
    with pytest.raises(ImageError, match="Invalid encoded image"):
        Intake(Limits()).bytes_of(text)


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(ImageError, match="9x9 pixels; at most 80"):
        Intake(Limits(image_pixels=80)).bytes_of(encoded(png(9)))


def test_addresses_are_not_fetched_unless_allowed() -> None:
    with pytest.raises(Refused, match="Requests not allowed"):
        Intake(Limits()).bytes_of("https://example.org/a.png")


def test_a_public_address_is_fetched_under_its_own_name_at_the_address_that_was_looked_at() -> None:
    calls: list[tuple[str, str]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls.append((request.url.host, request.headers["host"]))
        return httpx2.Response(200, content=png())

    assert intake(answer).bytes_of("http://example.org/a.png?x=1") == png()
    assert calls == [("93.184.216.34", "example.org")]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "nonsense",
    ],
)  # fmt: skip
def test_addresses_of_this_machine_and_network_are_never_called(address: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError("called")

    with pytest.raises(Refused, match="local resource"):
        intake(answer, "93.184.216.34", address).bytes_of("https://example.org/a.png")


def test_a_redirect_is_looked_at_too() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(302, headers={"location": "http://inner.example/"})

    def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",) if host == "inner.example" else ("93.184.216.34",)

    with pytest.raises(Refused, match="local resource"):
        Intake(Limits(), True, resolve, httpx2.MockTransport(answer)).bytes_of("http://example.org/a.png")


def test_a_circle_of_redirects_ends() -> None:
    with pytest.raises(ImageError, match="from one address to the next"):
        intake(lambda request: httpx2.Response(302, headers={"location": "/again"})).bytes_of("http://example.org/a")


@pytest.mark.parametrize("url", ["http://", "http://a:b:c/", "http://[::1/", "https://u:99999/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises((ImageError, Refused)):
        intake(lambda request: httpx2.Response(404), "127.0.0.1").bytes_of(url)


def test_an_answer_that_never_ends_is_cut() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=png() + bytes(100))

    held = Intake(Limits(body_bytes=100), True, lambda host, port: ("93.184.216.34",), httpx2.MockTransport(answer))
    with pytest.raises(ImageError, match="larger than 100 bytes"):
        held.bytes_of("http://example.org/a.png")
