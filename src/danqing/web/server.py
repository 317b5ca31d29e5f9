"""The running server: uvicorn around the application, ended by a signal or by a client who may, with its jobs put back."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass

import uvicorn

from danqing.base.errors import SettingsError
from danqing.studio.service import Service
from danqing.web.app import guarded, make_app
from danqing.web.context import ServeOptions

GRACE = 5
"""Seconds that open connections have once the server is to end."""
BACKLOG = 2048


@dataclass(frozen=True)
class Address:
    """Where it listens; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 7860


class Server(uvicorn.Server):
    """uvicorn's, which tells when it answers, and wakes those who wait when it is to end."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started
        self._tell_stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """SIGINT and SIGTERM ask it to end. uvicorn would raise them again afterwards, and the jobs at hand would not be put back."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, then says so."""
        await super().startup(sockets)
        if not self.should_exit:
            self._tell_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Calls that wait for pictures are answered before connections are waited for."""
        self._tell_stopping()
        await asyncio.sleep(0)
        await super().shutdown(sockets)


def serve(service: Service, options: ServeOptions, listening: socket.socket, started: Callable[[], None]) -> None:
    """Answers until it is told to end; `started` is called once it does. The service is started and stopped by whoever calls."""
    holder: list[Server] = []

    def stop() -> None:
        holder[0].should_exit = True

    app = make_app(service, options, stop)
    config = uvicorn.Config(
        guarded(app, options),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE,
        ws="websockets-sansio",
        ws_max_size=2**16,
        h11_max_incomplete_event_size=2**16,
        limit_concurrency=2048,
    )
    holder.append(Server(config, started, app.state.context.live.stop))
    holder[0].run([listening])


def open_socket(address: Address) -> socket.socket:
    """The socket it will listen on; opened first, so that a port that is taken is said before anything is started. Raises SettingsError."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((address.host, address.port))
    except (OSError, OverflowError) as problem:
        opened.close()
        reason = getattr(problem, "strerror", None) or problem
        raise SettingsError(
            f"can't listen on {address.host}:{address.port} ({reason}); take another --port"
        ) from problem
    opened.listen(BACKLOG)
    return opened
