"""A server that really answers, over a home with the toy model, with a worker process of its own; one a session, for workers are slow to come up."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from danqing.studio.service import Service
from danqing.web.context import ServeOptions
from danqing.web.server import Address, open_socket, serve

PATIENCE = 90.0
"""Seconds for one answer: on a busy machine the worker's libraries alone take a while to load."""
TINY: dict[str, Any] = {"prompt": "robot", "steps": 2, "width": 64, "height": 64, "seed": 3, "sampler_name": "Euler"}


@dataclass
class Running:
    """A server in a thread of this process."""

    service: Service
    options: ServeOptions = field(default_factory=ServeOptions)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        return self.service.studio.home.root

    def client(self, **how: Any) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, **how)


def running(service: Service, options: ServeOptions) -> Iterator[Running]:
    """Answers until the generator goes on; needs `may_be_stopped`."""
    found = Running(service, options)
    started = threading.Event()
    with open_socket(Address(port=0)) as opened:
        found.port = opened.getsockname()[1]
        thread = threading.Thread(target=serve, args=(service, options, opened, started.set), daemon=True)
        thread.start()
        assert started.wait(PATIENCE)
        yield found
        user = next(iter(options.access.users.items()), None)
        with found.client(auth=user) as client:
            client.post("/sdapi/v1/server-stop").raise_for_status()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def home_with_toy(folder: Path, toy_folder: Path) -> Path:
    """A home folder with the toy model as its only checkpoint."""
    models = folder / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    (models / "toy").symlink_to(toy_folder, target_is_directory=True)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Iterator[Running]:
    """The server that paints. Its settings are the defaults; whoever changes one puts it back."""
    home = home_with_toy(tmp_path_factory.mktemp("served") / "home", toy_folder)
    said = {"device": "cpu", "dtype": "float32"}
    with Service(home, settings=said, environment={}) as service:
        yield from running(service, ServeOptions(may_be_stopped=True, settings=said))


@pytest.fixture(scope="session")
def idle(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Iterator[Running]:
    """A server without a worker: what is asked for stays in the queue."""
    home = home_with_toy(tmp_path_factory.mktemp("idle") / "home", toy_folder)
    service = Service(home, environment={})
    yield from running(service, ServeOptions(may_be_stopped=True))
    service.stop()


@pytest.fixture
def http(server: Running) -> Iterator[httpx2.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def quiet(idle: Running) -> Iterator[httpx2.Client]:
    with idle.client() as client:
        yield client
