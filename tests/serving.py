"""The real app behind a real socket of this machine."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import uvicorn

from service.app import create_app
from service.loading import Loading
from service.worker import Worker


@contextmanager
def serving(
    loading: Loading,
    address: str | None = None,
    *,
    worker: Worker | None = None,
    lifespan: Literal["on", "off"] = "off",
) -> Generator[str]:
    """Its address while it runs. Connections made before it is up wait in the socket's queue.

    `address`: where its guard takes it to listen; None: it has no guard. `worker`: reads uploads;
    None: one of its own. `lifespan`: "on" for what begins and ends with the app.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(loading, address, worker)
    config = uvicorn.Config(app, lifespan=lifespan, ws="none", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="uvicorn")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
