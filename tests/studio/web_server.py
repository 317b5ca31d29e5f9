"""A server of files on this machine, for tests of fetching: it can continue, break off, redirect and refuse. No network is needed."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What stands at one path. `breaks_at` ends the answer there, once; `headers` are added; `status` other than 200 is sent alone."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    tag: str = '"one"'
    breaks_at: int = 0
    length: bool = True


@dataclass
class WebServer:
    """Paths and what stands there; `asked` are the requests so far: path, and headers in lower case."""

    files: dict[str, Served]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, {name.lower(): value for name, value in handler.headers.items()}))
        served = self.files.get(handler.path.partition("?")[0])
        if served is None:
            handler.send_error(404)
            return
        start = self._start(handler, served)
        if start is not None and start >= len(served.body):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(served.body)}")
            handler.end_headers()
            return
        body = served.body[start or 0 :]
        handler.send_response(206 if start is not None else served.status)
        for name, value in served.headers.items():
            handler.send_header(name, value)
        if served.tag:
            handler.send_header("ETag", served.tag)
        if start is not None:
            handler.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
        if served.length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if served.breaks_at:
            body, served.breaks_at = body[: served.breaks_at], 0
        handler.wfile.write(body)

    def _start(self, handler: BaseHTTPRequestHandler, served: Served) -> int | None:
        wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        same = handler.headers.get("If-Range") == served.tag
        return int(wanted[1]) if wanted and same and served.status == 200 else None


@contextmanager
def serving(**files: Served) -> Iterator[WebServer]:
    """A server on a free port, its paths those of `files` with a slash before them."""
    server = WebServer({f"/{name}": served for name, served in files.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *words: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
