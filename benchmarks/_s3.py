"""An S3 server in a process of its own on the loopback address, which holds a folder's files.

It lists and gives objects and does nothing else, so that it takes little of the machine that the
measured side runs on; the tests use one that does more.
"""

import hashlib
import os
import socket
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from aiohttp import web

BUCKET = "images"
PAGE = 1000
LAST_MODIFIED_S = 1_700_000_000


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, and yield the bucket's URI.

    This process and its children find the server by their environment.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, __file__, str(folder), str(port)])
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
        yield f"s3://{BUCKET}"
    finally:
        server.terminate()
        server.wait()


def serve(folder: Path, port: int) -> None:
    """Answer ``ListObjectsV2`` and ``GetObject``."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    keys = sorted(files)
    etags = {key: hashlib.md5(files[key].read_bytes()).hexdigest() for key in keys}

    async def listing(request: web.Request) -> web.Response:
        prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
        most = int(request.query.get("max-keys", PAGE))
        start = bisect_right(keys, after) if after else bisect_left(keys, prefix)
        found = [key for key in keys[start : start + most + 1] if key.startswith(prefix)]
        page, more = found[:most], len(found) > most
        contents = "".join(
            f"<Contents><Key>{escape(quote(key))}</Key>"
            "<LastModified>2023-11-14T22:13:20.000Z</LastModified>"
            f"<ETag>&quot;{etags[key]}&quot;</ETag><Size>{files[key].stat().st_size}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"
            f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"<EncodingType>url</EncodingType>{token}{contents}</ListBucketResult>"
        )
        return web.Response(text=text, content_type="application/xml")

    async def thing(request: web.Request) -> web.Response:
        key = request.match_info["key"]
        if key not in files:
            raise web.HTTPNotFound(text="<Error><Code>NoSuchKey</Code></Error>")
        headers = {
            "ETag": f'"{etags[key]}"',
            "Last-Modified": formatdate(LAST_MODIFIED_S, usegmt=True),
        }
        return web.Response(body=files[key].read_bytes(), headers=headers)

    app = web.Application()
    for path in (f"/{BUCKET}", f"/{BUCKET}/"):
        app.router.add_get(path, listing)
    app.router.add_get(f"/{BUCKET}/{{key:.+}}", thing)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
