"""An S3 server in a process of its own on the loopback address, which holds a folder's files."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUCKET = "images"
ACCOUNT, REGION = "123456789012", "us-east-1"


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, and yield the bucket's URI.

    This process and its children find the server by their environment.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, __file__, str(folder), str(port)], stderr=subprocess.DEVNULL
    )
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "user",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
    }
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"s3://{BUCKET}"
    finally:
        server.terminate()
        server.wait()


def serve(folder: Path, port: int) -> None:
    """Take the files in without HTTP, which would last far longer, and serve them."""
    from moto.s3.models import s3_backends
    from moto.server import main

    backend = s3_backends[ACCOUNT]["aws"]
    backend.create_bucket(BUCKET, REGION)
    for path in folder.rglob("*"):
        if path.is_file():
            backend.put_object(BUCKET, path.relative_to(folder).as_posix(), path.read_bytes())
    main(["-H", "127.0.0.1", "-p", str(port)])


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
