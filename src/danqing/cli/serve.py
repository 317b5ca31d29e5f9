"""`danqing serve`: the studio over HTTP, for tools that speak A1111's API and for danqing's own clients."""

import ipaddress
import os
from collections.abc import Mapping
from typing import Annotated

import typer

from danqing.cli.options import DeviceOption, DtypeOption, HomeOption, ModelsFromOption, note

ABOUT = """
Serve the studio over HTTP: A1111's API below /sdapi/v1, danqing's own below /api/v1.

danqing serve --port 7861

Only this machine may connect, and only under its own name. --listen lets others in, with a password or a key.
"""
WHO, HOW_MUCH = "Who may connect", "How much"


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(serve)


def serve(
    port: Annotated[
        int, typer.Option("--port", "-p", metavar="N", help="0 takes a free one.", min=0, max=65535)
    ] = 7860,
    listen: Annotated[
        bool, typer.Option("--listen", help="Let other machines connect; needs a password or key.", rich_help_panel=WHO)
    ] = False,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Listen on this address only.", rich_help_panel=WHO)
    ] = None,
    api_auth: Annotated[
        list[str] | None,
        typer.Option(
            "--api-auth",
            metavar="USER:PASSWORD",
            help="Ask for a password; may be given several times. Better: the variable DANQING_API_AUTH.",
            rich_help_panel=WHO,
        ),
    ] = None,
    api_key: Annotated[
        list[str] | None,
        typer.Option(
            "--api-key",
            metavar="KEY",
            help="Ask for a key (Authorization: Bearer KEY); may be given several times. Better: DANQING_API_KEY.",
            rich_help_panel=WHO,
        ),
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="With --listen: let everyone in.", rich_help_panel=WHO)
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name the server goes by.", rich_help_panel=WHO),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", metavar="URL", help="Web pages of this origin may call.", rich_help_panel=WHO),
    ] = None,
    allow_urls: Annotated[
        bool,
        typer.Option("--allow-urls", help="Fetch pictures that requests name by public address.", rich_help_panel=WHO),
    ] = False,
    api_server_stop: Annotated[
        bool, typer.Option("--api-server-stop", help="Clients may stop the server.", rich_help_panel=WHO)
    ] = False,
    most_mb: Annotated[
        int, typer.Option("--most-mb", metavar="N", help="Of one request.", min=1, max=4096, rich_help_panel=HOW_MUCH)
    ] = 100,
    most_jobs: Annotated[
        int,
        typer.Option("--most-jobs", metavar="N", help="Of one client in the queue.", min=1, rich_help_panel=HOW_MUCH),
    ] = 1000,
    log_prompts: Annotated[bool, typer.Option("--log-prompts", help="Write what is asked for into the log.")] = False,
    home: HomeOption = None,
    models_from: ModelsFromOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
) -> None:
    """Answers until Ctrl-C; jobs that run then go on at the next start."""
    from danqing.web.access import Access, check_access, users_of
    from danqing.web.limits import MEGABYTE, Limits
    from danqing.web.server import Address, open_socket

    access = Access(
        listening=listen or (host is not None and not _is_loopback(host)),
        hosts=tuple(name.casefold() for name in allow_host or ()),
        origins=tuple(origin.rstrip("/") for origin in allow_origin or ()),
        users=users_of([*(api_auth or ()), *_said_in(os.environ, "DANQING_API_AUTH")]),
        keys=(*(api_key or ()), *_said_in(os.environ, "DANQING_API_KEY")),
    )
    check_access(access, no_auth)
    address = Address(host or ("0.0.0.0" if listen else "127.0.0.1"), port)
    opened = open_socket(address)
    said = {"models_from": models_from, "device": device, "dtype": dtype}
    settings = {name: value for name, value in said.items() if value not in (None, [])}
    from danqing.studio.service import Service
    from danqing.web.context import ServeOptions
    from danqing.web.logs import log_to_stderr
    from danqing.web.server import serve as answer

    options = ServeOptions(
        access=access,
        limits=Limits(body_bytes=most_mb * MEGABYTE, queued_jobs=most_jobs),
        allow_urls=allow_urls,
        log_prompts=log_prompts,
        may_be_stopped=api_server_stop,
        settings=settings,
        flags={"port": opened.getsockname()[1], "device_id": device},
    )
    log_to_stderr()
    service = Service(home, settings=settings)
    for sentence in service.studio.notes:
        note(sentence)
    shown = "127.0.0.1" if address.host in ("0.0.0.0", "::") else address.host
    with opened, service:
        answer(service, options, opened, lambda: _say(shown, opened.getsockname()[1]))


def _say(host: str, port: int) -> None:
    """Printed once it answers; programs that start it read the line."""
    shown = f"[{host}]" if ":" in host else host
    print(f"danqing serves http://{shown}:{port} (A1111's API below /sdapi/v1, its own below /api/v1)", flush=True)


def _said_in(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    value = environment.get(name, "").strip()
    return (value,) if value else ()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"
