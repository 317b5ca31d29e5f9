"""Who may talk to the server: hosts and origins that count as our own, passwords and keys. Pure checks; `guard` asks them for every request."""

import base64
import binascii
import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from danqing.base.errors import SettingsError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FREE_PATHS = ("/healthz",)
"""Asked without a password: they say nothing but that the server is there."""


@dataclass(frozen=True)
class Access:
    """What is let in. `listening`: other machines may connect. Without `users` and `keys` nobody is asked who they are."""

    listening: bool = False
    hosts: tuple[str, ...] = ()
    """Names by which the server may be called, beside the machine's own addresses."""
    origins: tuple[str, ...] = ()
    """Web pages of other origins that may call, as https://example.org."""
    users: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    keys: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether a password or a key is needed."""
        return bool(self.users or self.keys)

    def knows_host(self, host: str) -> bool:
        """Whether a Host header names us. A foreign name that leads here is how web pages of strangers reach local servers."""
        name = host_name(host)
        if name in LOOPBACK or name in {one.casefold() for one in self.hosts}:
            return True
        return self.listening and _is_address(name)  # an address can't be made to mean another machine

    def knows_origin(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may call: our own, or one that is allowed. "" is no browser's page."""
        if not origin or origin.rstrip("/") in self.origins:
            return True
        return urlsplit(origin).netloc.casefold() == host.casefold()

    def client_of(self, authorization: str, key: str) -> str | None:
        """The name of whoever the headers prove, "" where nobody is asked; None when they prove nobody."""
        if not self.asks:
            return ""
        scheme, _, rest = authorization.partition(" ")
        if scheme.casefold() == "bearer":
            key = rest.strip()
        if key:
            known = [secrets.compare_digest(key.encode(), one.encode()) for one in self.keys]
            return f"key-{known.index(True) + 1}" if any(known) else None
        return self._user(rest) if scheme.casefold() == "basic" else None

    def _user(self, encoded: str) -> str | None:
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        user, _, password = text.partition(":")
        # Compared for unknown users too, so that the time it takes tells nothing.
        right = secrets.compare_digest(password.encode(), self.users.get(user, "\0").encode())
        return user if right and user in self.users else None


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").casefold()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def users_of(texts: Iterable[str]) -> dict[str, str]:
    """Passwords by user, of A1111's "user:password,user2:password2". Raises SettingsError."""
    users: dict[str, str] = {}
    for text in texts:
        for pair in text.split(","):
            user, sign, password = pair.strip().partition(":")
            if not (user and sign and password):
                raise SettingsError("--api-auth is written user:password, several with commas between them")
            users[user] = password
    return users


def check_access(access: Access, no_auth: bool) -> None:
    """Raises SettingsError for a server that would be open to other machines without anybody having said so."""
    if access.listening and not access.asks and not no_auth:
        raise SettingsError(
            "--listen lets other machines in: give --api-auth user:password or --api-key KEY, or say --no-auth to let everyone in"
        )
