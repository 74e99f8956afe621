"""An S3 server in a process of its own on the loopback address, and images in it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import boto3

BUCKET = "images"
UPLOADS_AT_ONCE = 8


@contextmanager
def s3_server() -> Iterator[None]:
    """Serve an empty bucket, which this process and its children find by their environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "user",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield
    finally:
        server.terminate()
        server.wait()


def upload(folder: Path, *, prefix: str) -> str:
    """Put all files of a folder below a prefix, and return its URI."""
    client = boto3.client("s3")

    def put(path: Path) -> None:
        key = f"{prefix}/{path.relative_to(folder).as_posix()}"
        client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        list(pool.map(put, (path for path in folder.rglob("*") if path.is_file())))
    return f"s3://{BUCKET}/{prefix}"
