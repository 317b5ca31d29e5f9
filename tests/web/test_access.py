"""Who is let in, as pure rules."""

import base64

import pytest

from danqing.base.errors import SettingsError
from danqing.web.access import Access, check_access, host_name, users_of


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("host", "local", "listening"),
    [
        ("127.0.0.1:7860", True, True),
        ("localhost", True, True),
        ("LOCALHOST:1", True, True),
        ("[::1]:7860", True, True),
        ("studio.lan:7860", True, True),  # allowed by name below
        ("192.168.1.5:7860", False, True),
        ("evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("", False, False),
        ("[::1", False, False),
        ("a@127.0.0.1.evil.example", False, False),
    ],
)
def test_a_host_is_known_by_name_or_when_listening_by_address(host: str, local: bool, listening: bool) -> None:
    hosts = ("studio.lan",)
    assert Access(hosts=hosts).knows_host(host) is local
    assert Access(hosts=hosts, listening=True).knows_host(host) is listening


@pytest.mark.parametrize(
    ("origin", "known"),
    [
        ("", True),
        ("http://127.0.0.1:7860", True),
        ("https://art.example", True),
        ("https://art.example/", True),
        ("http://127.0.0.1:7861", False),
        ("https://evil.example", False),
        ("null", False),
        ("file://", False),
    ],
)
def test_a_page_of_another_origin_may_not_call(origin: str, known: bool) -> None:
    assert Access(origins=("https://art.example",)).knows_origin(origin, "127.0.0.1:7860") is known


@pytest.mark.parametrize(
    ("authorization", "key", "client"),
    [
        (basic("ann:secret"), "", "ann"),
        (basic("ann:wrong"), "", None),
        (basic("bob:secret"), "", None),
        (basic("bob:\0"), "", None),
        (basic("ann"), "", None),
        ("Basic !!!", "", None),
        ("Bearer k1", "", "key-1"),
        ("bearer k2", "", "key-2"),
        ("Bearer k3", "", None),
        ("", "k2", "key-2"),
        ("", "k", None),
        ("", "", None),
        ("Digest x", "", None),
    ],
)
def test_passwords_and_keys(authorization: str, key: str, client: str | None) -> None:
    access = Access(users={"ann": "secret"}, keys=("k1", "k2"))
    assert access.client_of(authorization, key) == client


def test_nobody_is_asked_where_there_is_nothing_to_prove() -> None:
    assert Access().client_of("", "") == ""


@pytest.mark.parametrize(
    ("access", "no_auth", "open_"),
    [
        (Access(), False, False),
        (Access(listening=True), False, True),
        (Access(listening=True), True, False),
        (Access(listening=True, keys=("k",)), False, False),
        (Access(listening=True, users={"a": "b"}), False, False),
    ],
)
def test_a_server_is_never_open_by_oversight(access: Access, no_auth: bool, open_: bool) -> None:
    if not open_:
        check_access(access, no_auth)
        return
    with pytest.raises(SettingsError, match="--no-auth"):
        check_access(access, no_auth)


def test_users_are_read_as_a1111_writes_them() -> None:
    assert users_of(["ann:a:b,bob:c", "eve:d"]) == {"ann": "a:b", "bob": "c", "eve": "d"}
    for wrong in ("ann", "ann:", ":x", "ann:b,"):
        with pytest.raises(SettingsError, match="user:password"):
            users_of([wrong])


@pytest.mark.parametrize("host", ["[::1", ":", "@", ""])
def test_a_host_header_that_is_none_has_no_name(host: str) -> None:
    assert host_name(host) == ""
