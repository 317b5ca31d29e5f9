"""A server in a process of its own, for tests that kill it: `python -m tests.studio.stub_server HOME` says "up" and works until it dies."""

import signal
import sys
import threading
from pathlib import Path

from tests.studio.stub_work import stub_service


def main() -> None:
    """Stops cleanly when its input ends or it is asked to terminate."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: asked.set())
    with stub_service(Path(sys.argv[1])):
        print("up", flush=True)
        threading.Thread(target=lambda: (sys.stdin.read(), asked.set()), daemon=True).start()
        asked.wait()


if __name__ == "__main__":
    main()
