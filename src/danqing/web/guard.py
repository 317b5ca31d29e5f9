"""What every request passes before it is understood: whose it is, where it comes from, how large it is. Plain ASGI, so that streams stay streams."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from danqing.web.access import FREE_PATHS, Access
from danqing.web.answers import Answer
from danqing.web.limits import MEGABYTE, Limits
from danqing.web.metrics import Metrics
from danqing.web.problems import body_of

log = logging.getLogger("danqing.web.requests")

POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class Guard:
    """Wraps the application. A refusal is answered before anything of the body is read."""

    app: ASGIApp
    access: Access
    limits: Limits
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").casefold(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            await self._websocket(refusal, scope, receive, send)
        else:
            await self._http(refusal, scope, receive, send)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> Answer | None:
        host, origin = headers.get("host", ""), headers.get("origin", "")
        if not self.access.knows_host(host):
            return _refused(403, f"the server does not go by the name {host[:80]!r}; allow it with --allow-host")
        if not self.access.knows_origin(origin, host):
            return _refused(403, f"pages of {origin[:80]!r} may not call; allow them with --allow-origin")
        preflight = scope["type"] == "http" and scope["method"] == "OPTIONS"
        if scope["path"] in FREE_PATHS or preflight:
            scope.setdefault("state", {})["client"] = ""
            return None
        client = self.access.client_of(headers.get("authorization", ""), headers.get("x-api-key", ""))
        if client is None:
            said = "authorization" in headers or "x-api-key" in headers
            sentence = "Incorrect username or password" if said else "Not authenticated"
            return _refused(401, sentence, {"WWW-Authenticate": "Basic"})
        scope.setdefault("state", {})["client"] = client
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.limits.body_bytes:
            return _refused(413, self._too_large())
        return None

    def _too_large(self) -> str:
        most = self.limits.body_bytes / MEGABYTE
        return f"the request is larger than {most:g} MB; send less, or let the server take more with --most-mb"

    async def _websocket(self, refusal: Answer | None, scope: Scope, receive: Receive, send: Send) -> None:
        if refusal is None:
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})

    async def _http(self, refusal: Answer | None, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0

        async def timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                spent = f"{time.perf_counter() - began:.4f}".encode()
                message = {**message, "headers": [*message.get("headers", ()), (b"x-process-time", spent)]}
            await send(message)

        try:
            await (refusal or self.app)(scope, self._counted(receive), timed)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _counted(self, receive: Receive) -> Receive:
        """Counts what really comes: a length that was announced may be missing or a lie."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limits.body_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return counted

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "") or "other"
        self.metrics.answered(scope["method"], path, status, seconds)
        # Never the body, never the query: prompts and names stand there.
        fields: dict[str, Any] = {
            "method": scope["method"],
            "path": path,
            "status": status,
            "seconds": round(seconds, 4),
        }
        # Pages and tools ask how far it is several times a second; that is no news.
        level = logging.DEBUG if scope["method"] in ("GET", "HEAD") and status < 400 else logging.INFO
        log.log(level, "%(method)s %(path)s %(status)d in %(seconds).4f s", fields, extra={"fields": fields})


def _refused(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(body_of("HTTPException", sentence), status_code=status, headers=headers)
