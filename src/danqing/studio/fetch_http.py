"""One file from the web onto the disk: https only, never from this machine's own network, bounded, and continued where it broke off."""

import hashlib
import http.client
import ipaddress
import json
import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import unquote, urljoin, urlsplit

from danqing.base.errors import FileWriteError, ModelError
from danqing.pixels.writing import write_aside
from danqing.studio.writable import make_folder, said_plainly

BLOCK = 1 << 20
MOST_REDIRECTS = 8
MOST_TEXT = 8 << 20
"""Bytes of an answer in JSON."""
ATTEMPTS = 4
PAUSES = (0.5, 2.0, 5.0)
"""Seconds before it is tried again after the line broke."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as networks without IPv4 write them."""
AGENT = "danqing (+models get)"

Told = Callable[[int, int | None], None]
"""Told the bytes that are there, and how many there will be, None where the server doesn't say."""


def is_public(address: str) -> bool:
    """Whether an IP address lies in the open internet: not this machine, not its network, nothing reserved."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        found = inner or found
    return found.is_global and not found.is_multicast


@dataclass(frozen=True)
class Reach:
    """What may be fetched. `allows` judges each IP address before it is connected to, also behind a redirect."""

    schemes: tuple[str, ...] = ("https",)
    allows: Callable[[str], bool] = is_public
    most_bytes: int = 40 * 10**9
    timeout: float = 30.0
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Downloaded:
    """A whole file: `name` is what the server calls it, `promised` the sha256 that the server itself named ("" for none)."""

    path: Path
    name: str
    sha256: str
    promised: str = ""


@dataclass
class _Answer:
    """An open answer, behind all redirects; `seen` has the headers of every answer on the way, lower case, first one first."""

    response: http.client.HTTPResponse
    url: str
    seen: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])

    @property
    def status(self) -> int:
        return self.response.status

    def header(self, name: str) -> str:
        return self.seen[-1].get(name, "")


class LineBrokeError(Exception):
    """The connection ended before the file did; what came is kept."""


def download(
    url: str, part: Path, reach: Reach, headers: Mapping[str, str] = MappingProxyType({}), told: Told | None = None
) -> Downloaded:
    """The file behind an address, written to `part`, which is continued if it belongs to the same file. `headers` go to that host only.

    Raises ModelError for what can't be or may not be fetched, FileWriteError for the disk's own reasons.
    """
    make_folder(part.parent)
    for attempt in range(ATTEMPTS):
        try:
            name, promised = _attempt(url, part, reach, headers, told or _silent)
        except (LineBrokeError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as problem:
            if attempt == ATTEMPTS - 1 or isinstance(problem, ssl.SSLCertVerificationError):
                got = _size(part)
                raise ModelError(
                    f"{_host(url)}: the line broke ({_first_line(problem)}); {got:,} bytes are kept: the same command goes on there"
                ) from problem
            reach.wait(PAUSES[attempt])
        else:
            return Downloaded(part, name, sha256_of_file(part), promised)
    raise AssertionError("the last attempt returns or raises")


def forget(part: Path) -> None:
    """Nothing is left of a download but what was moved away."""
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def sha256_of_file(path: Path) -> str:
    """Hex. Raises FileWriteError when it can't be read."""
    with said_plainly(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(url: str, reach: Reach, headers: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """A JSON object from an address. Raises ModelError."""
    try:
        with _opened(url, reach, headers) as answer:
            _refuse_status(answer, url)
            data: object = json.loads(answer.response.read(MOST_TEXT))
    except (LineBrokeError, http.client.HTTPException, OSError, ValueError) as problem:
        raise ModelError(f"{_host(url)}: no answer that could be understood ({_first_line(problem)})") from problem
    if not isinstance(data, dict):
        raise ModelError(f"{_host(url)}: no answer that could be understood")
    return cast("dict[str, Any]", data)


def _attempt(url: str, part: Path, reach: Reach, headers: Mapping[str, str], told: Told) -> tuple[str, str]:
    have, validator = _begun(part, url)
    asked = {**headers, **({"Range": f"bytes={have}-", "If-Range": validator} if have else {})}
    with _opened(url, reach, asked) as answer:
        promised = next((found for seen in answer.seen if (found := _sha256(seen.get("x-linked-etag", "")))), "")
        if answer.status == 416:
            if answer.header("content-range") == f"bytes */{have}":  # all of it is here
                return _name(answer), promised
            forget(part)
            raise LineBrokeError("it changed meanwhile")
        _refuse_status(answer, url)
        goes_on = answer.status == 206 and answer.header("content-range").startswith(f"bytes {have}-")
        have = have if goes_on else 0
        length = answer.header("content-length")
        total = have + int(length) if length.isdigit() else None
        _refuse_size(url, total or 0, have, part, reach)
        validator = _validator(answer)
        write_aside(_notes(part), json.dumps({"url": url, "validator": validator}).encode())
        _receive(answer.response, part, have, total, reach.most_bytes, told)
        return _name(answer), promised


def _receive(
    response: http.client.HTTPResponse, part: Path, have: int, total: int | None, most: int, told: Told
) -> None:
    with said_plainly(part):
        file = part.open("r+b" if have else "wb")
    with file:
        file.seek(have)
        file.truncate()
        told(have, total)
        while block := response.read(BLOCK):
            have += len(block)
            if have > most:
                raise ModelError(f"{part.name}: more than {most:,} bytes came; say --most-gb to allow more")
            with said_plainly(part):
                file.write(block)
            told(have, total)
    if total is not None and have < total:
        raise LineBrokeError(f"{have:,} of {total:,} bytes came")


@contextmanager
def _opened(url: str, reach: Reach, headers: Mapping[str, str]) -> Generator[_Answer]:
    """The answer of an address, redirects followed, each looked at as the first."""
    seen: list[Mapping[str, str]] = []
    home = _host(url)
    for _ in range(MOST_REDIRECTS + 1):
        connection, path = _connection(url, reach)
        own = {name: value for name, value in headers.items() if name != "Authorization" or _host(url) == home}
        try:
            connection.request("GET", path, headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **own})
            response = connection.getresponse()
            seen.append({name.lower(): value for name, value in response.getheaders()})
            if response.status in (301, 302, 303, 307, 308) and seen[-1].get("location"):
                url = urljoin(url, seen[-1]["location"])
                continue
            yield _Answer(response, url, seen)
            return
        finally:
            connection.close()
    raise ModelError(f"{home}: it leads from one address to the next without end")


def _connection(url: str, reach: Reach) -> tuple[http.client.HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as problem:
        raise ModelError(f"{url[:80]!r} is no address ({problem})") from problem
    if parts.scheme not in reach.schemes or not host:
        raise ModelError(f"{url[:80]!r}: only {', '.join(reach.schemes)} addresses are fetched from")
    if parts.username is not None:
        raise ModelError(f"{host}: an address with a name and password in it isn't fetched from")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = parts.scheme == "https"
    connection = http.client.HTTPConnection(host, port or (443 if secure else 80), timeout=reach.timeout)
    raw = _socket(host, connection.port, reach)
    context = ssl.create_default_context()
    connection.sock = context.wrap_socket(raw, server_hostname=host) if secure else raw
    return connection, path.replace(" ", "%20")


def _socket(host: str, port: int, reach: Reach) -> socket.socket:
    """Connected to an address that was looked at: asking for the name again could give another."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise ModelError(f"{host} can't be found; is there a network, and is the name right?") from unknown
    allowed = [entry for entry in found if reach.allows(str(entry[4][0]))]
    if not allowed:
        raise ModelError(f"{host} is this machine or lies in its own network; nothing is fetched from there")
    problem: OSError | None = None
    for family, kind, protocol, _, address in allowed:
        raw = socket.socket(family, kind, protocol)
        raw.settimeout(reach.timeout)
        try:
            raw.connect(address)
            return raw
        except OSError as failed:
            raw.close()
            problem = failed
    raise ConnectionError(_first_line(problem) if problem else "no address") from problem


def _refuse_status(answer: _Answer, url: str) -> None:
    host = _host(url)
    if answer.status in (401, 403):
        raise ModelError(
            f"{host} refuses ({answer.status}); perhaps it wants a key: HF_TOKEN for huggingface.co, CIVITAI_TOKEN for civitai.com"
        )
    if answer.status == 404:
        raise ModelError(f"{host} has no such file (404); look at the address again")
    if answer.status in (429, 500, 502, 503, 504):
        raise LineBrokeError(f"{host} answers {answer.status}")
    if answer.status not in (200, 206):
        raise ModelError(f"{host} answers {answer.status}, and no file")


def _refuse_size(url: str, total: int, have: int, part: Path, reach: Reach) -> None:
    if total > reach.most_bytes:
        raise ModelError(
            f"{_host(url)}: the file has {total:,} bytes, and {reach.most_bytes:,} are allowed; say --most-gb to allow more"
        )
    free = shutil.disk_usage(part.parent).free
    if total - have > free:
        raise FileWriteError(f"the file needs {total - have:,} more bytes, and {free:,} are free in {part.parent}")


def _begun(part: Path, url: str) -> tuple[int, str]:
    """(bytes that are here of this very file, by what the server knows it); (0, "") to begin anew."""
    try:
        notes: Any = json.loads(_notes(part).read_text("utf-8"))
        validator = str(notes["validator"])
        return (_size(part), validator) if notes["url"] == url and validator else (0, "")
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""


def _validator(answer: _Answer) -> str:
    tag = answer.header("etag")
    return tag if tag and not tag.startswith("W/") else answer.header("last-modified")


def _name(answer: _Answer) -> str:
    """What the server calls the file; the last part of the address where it says nothing."""
    disposition = answer.header("content-disposition")
    if coded := re.search(r"filename\*\s*=\s*[\w-]*'[^']*'([^;]+)", disposition):
        return unquote(coded[1].strip().strip('"'))
    if plain := re.search(r'filename\s*=\s*(?:"([^"]+)"|([^;]+))', disposition):
        return (plain[1] or plain[2]).strip()
    return unquote(urlsplit(answer.url).path.rpartition("/")[2])


def _sha256(text: str) -> str:
    bare = text.removeprefix("W/").strip('"').lower()
    return bare if re.fullmatch(r"[0-9a-f]{64}", bare) else ""


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _host(url: str) -> str:
    return urlsplit(url).hostname or url[:60]


def _first_line(problem: BaseException) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0][:120]


def _silent(done: int, total: int | None) -> None:
    pass
