"""What every route works with, made once for an application: the service, its events, the limits, who asks."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from danqing.base.job import Job
from danqing.base.order import Order
from danqing.painting.expand import with_styles
from danqing.studio.phrases import read_phrases
from danqing.studio.service import Service
from danqing.studio.settings import LoadedSettings, load_settings
from danqing.web.access import Access
from danqing.web.images import Intake
from danqing.web.limits import Limits
from danqing.web.live import Live, run
from danqing.web.metrics import Metrics
from danqing.web.problems import UNPROCESSABLE, Refused
from danqing.web.tasks import Tasks

log = logging.getLogger(__name__)

TOO_MANY = 429


@dataclass(frozen=True)
class ServeOptions:
    """How the server was started; `flags` are told by GET /cmd-flags."""

    access: Access = field(default_factory=Access)
    limits: Limits = field(default_factory=Limits)
    allow_urls: bool = False
    log_prompts: bool = False
    may_be_stopped: bool = False
    """Clients may stop the server over A1111's API."""
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """What the command line said about settings; it outweighs settings.json."""
    flags: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Context:
    """One for each application."""

    service: Service
    options: ServeOptions
    live: Live
    metrics: Metrics
    intake: Intake
    tasks: Tasks
    stop: Callable[[], None]
    """Asks the server to end."""
    wishes: dict[str, str] = field(default_factory=dict[str, str])
    """What was said of running jobs over A1111's API, which tells it back in its state."""

    def forget_wishes(self, running: set[str]) -> None:
        """Only running jobs have any."""
        for job in set(self.wishes) - running:
            del self.wishes[job]

    def settings(self) -> LoadedSettings:
        """The settings as they are now; a door may have changed them since the start."""
        return load_settings(self.service.studio.home.settings_file, os.environ, self.options.settings)

    async def submit(self, order: Order, client: str, **how: Any) -> Job:
        """An order in the queue, within the limits. Raises Refused, RecipeError, ModelError, JobError."""
        limits = self.options.limits
        if order.pictures > limits.pictures:
            raise Refused(
                UNPROCESSABLE, f"the order makes {order.pictures} pictures; at most {limits.pictures} at once"
            )
        await self.check_room(client)
        if self.options.log_prompts:
            log.info("%s asks for an order", client, extra={"fields": {"order": order.sparse()}})
        return await run(lambda: self._paint(order, client, how))

    def _paint(self, order: Order, client: str, how: Mapping[str, Any]) -> Job:
        # Said now, and not by a worker that has loaded a model for it.
        with_styles(order.recipe, order.styles, read_phrases(self.service.studio.home).styles)
        return self.service.paint(order, client=client, **how)

    async def check_room(self, client: str) -> None:
        """Raises Refused when a client has too much in the queue."""
        limits = self.options.limits
        queued = await run(lambda: self.service.queue.count(("queued",), client=client))
        if queued >= limits.queued_jobs:
            raise Refused(
                TOO_MANY, f"{queued} jobs of yours are waiting, as many as are allowed; try again when some are done"
            )


def context_of(connection: HTTPConnection) -> Context:
    """The application's context."""
    return cast("Context", connection.app.state.context)


def client_of(connection: HTTPConnection) -> str:
    """Who asks: the user or key that was proved, else the address."""
    proved = str(connection.scope.get("state", {}).get("client", ""))
    return proved or (connection.client.host if connection.client else "local")


TheContext = Annotated[Context, Depends(context_of)]
TheClient = Annotated[str, Depends(client_of)]
