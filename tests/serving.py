"""The real app behind a real socket of this machine."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from service.app import create_app
from service.loading import Loading


@contextmanager
def serving(loading: Loading) -> Generator[str]:
    """Its address while it runs. Connections made before it is up wait in the socket's queue."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(loading), lifespan="off", ws="none", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="uvicorn")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
