"""Broken and hostile requests: every one is answered in time, none by a defect of ours.

In full form (SAMESENSE_CHAOS=full) 10,000 requests, then twenty minutes of them while memory is
watched; otherwise 300, and two minutes.
"""

import base64
import io
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest
from PIL import Image

from tests.integration.serving import INDEX, Indexed, jpeg, serving, write_indexes

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(5400)]
FULL = os.environ.get("SAMESENSE_CHAOS") == "full"
REQUESTS = 10_000 if FULL else 300
EXAMPLES = 100 if FULL else 10
CLIENTS = 4
ANSWER_S = 60.0
SOAK_S, WARM_S = (20 * 60, 5 * 60) if FULL else (2 * 60, 60)
GROWTH = 1.1
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**30, "", "\x00", "ﷺ" * 500, [], {}, [[]], [None] * 40,
    {"text": {}}, "data:image/jpeg;base64,", "data:;base64,AAAA", "file:///etc/passwd",
    "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/", "../../etc/passwd",
    "\ud800", "'] or id != ['",
)  # fmt: skip
ANSWERS = {200, 400, 404, 409, 413, 415, 422}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("served")
    indexed: Indexed = write_indexes(place)
    limits = ["--set", "limits.items=16", "--set", "limits.body_bytes=2000000"]
    output = place / "output.txt"
    with serving("--milvus", indexed.milvus, *limits, output=output) as address:
        yield address


def data_uri(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def image_in(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


IMAGES = [image_in(kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")]
TEXT_OR_IMAGE = {"text": "a dog"}, {"image": data_uri(jpeg())}
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/embeddings", {"input": ["a dog", data_uri(jpeg())], "encoding_format": "base64"}),
    ("/v1/embeddings", {"input": [*TEXT_OR_IMAGE], "model": INDEX, "user": "me"}),
    ("/v2/embed", {"texts": ["a dog"], "embedding_types": ["float"], "model": INDEX}),
    (
        "/v1/multimodalembeddings",
        {"inputs": [{"content": [{"type": "text", "text": "a"}]}], "model": INDEX},
    ),
    (
        "/v1/search",
        {
            "query": {"text": "a dog"},
            "index": INDEX,
            "domains": ["domain0"],
            "merge": "rrf",
            "limit": 5,
            "offset": 2,
            "threshold": 0.1,
            "filter": {"label": ["concept1"]},
            "group_by_domain": True,
        },
    ),
    ("/v1/search", {"query": {"image": data_uri(jpeg())}, "source_domain": "domain1"}),
]


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from places(value, (*path, key))


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copy


def spoiled(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with some flipped, cut off, doubled or put in."""
    broken = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(broken) or 1)
        match rng.randrange(5):
            case 0 | 1:
                broken[at : at + 1] = bytes([rng.randrange(256)])
            case 2:
                del broken[at:]
            case 3:
                broken[at:at] = broken[: rng.randrange(200)]
            case 4:
                broken[at:at] = rng.randbytes(rng.randrange(50))
    return bytes(broken)


def odd_value(client: httpx.Client, rng: random.Random) -> httpx.Response:
    path, body = rng.choice(BODIES)
    for _ in range(rng.randint(1, 3)):
        body = replaced(body, rng.choice(list(places(body))), rng.choice(ODD))
    return client.post(path, content=json.dumps(body))


def spoiled_body(client: httpx.Client, rng: random.Random) -> httpx.Response:
    path, body = rng.choice(BODIES)
    kinds = ("application/json", "text/plain", "multipart/form-data; boundary=x", "image/png", "x")
    headers = {"content-type": rng.choice(kinds)}
    return client.post(path, content=spoiled(json.dumps(body).encode(), rng), headers=headers)


def spoiled_image(client: httpx.Client, rng: random.Random) -> httpx.Response:
    data = spoiled(rng.choice(IMAGES), rng)
    if rng.random() < 0.5:
        return client.post("/v1/embeddings", json={"input": data_uri(data)})
    request = json.dumps({"index": INDEX})
    return client.post("/v1/search", files={"image": data}, data={"request": request})


def deep_body(client: httpx.Client, rng: random.Random) -> httpx.Response:
    depth = 10 ** rng.randint(2, 5)
    return client.post("/v1/embeddings", content='{"input": ' + "[" * depth + "]" * depth + "}")


def odd_address(client: httpx.Client, rng: random.Random) -> httpx.Response:
    name = "".join(rng.choice("ab./%\\é'\"<;") for _ in range(rng.randint(1, 20)))
    path = rng.choice(["/v1/items/{}", "/v1/items/{}/thumbnail", "/v1/indexes/{}/map", "/page/{}"])
    return client.get(path.format(quote(name, safe="/.")))


WAYS: tuple[Callable[[httpx.Client, random.Random], httpx.Response], ...] = (
    odd_value, odd_value, spoiled_body, spoiled_image, spoiled_image, odd_address, deep_body,
)  # fmt: skip


def attack(address: str, *, seeds: Iterator[int]) -> tuple[Counter[int], list[str]]:
    """Send a request for each seed; return how often which status came, and what is wrong."""
    statuses: Counter[int] = Counter()
    wrong = []
    with httpx.Client(base_url=address, timeout=ANSWER_S) as client:
        for seed in seeds:
            rng = random.Random(seed)
            way = rng.choice(WAYS)
            try:
                answer = way(client, rng)
            except httpx.HTTPError as error:
                wrong.append(f"seed {seed}, {way.__name__}: {error!r}")
                continue
            statuses[answer.status_code] += 1
            if answer.status_code not in ANSWERS:
                wrong.append(f"seed {seed}, {way.__name__}: {answer.status_code} {answer.text}")
    return statuses, wrong


def attack_together(address: str, *, first: int, count: int) -> tuple[Counter[int], list[str]]:
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    with ThreadPoolExecutor(CLIENTS) as pool:
        parts = [iter(range(first + n, first + count, CLIENTS)) for n in range(CLIENTS)]
        for found, said in pool.map(lambda part: attack(address, seeds=part), parts):
            statuses += found
            wrong += said
    return statuses, wrong


def memory_bytes() -> int:
    total = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            name = " ".join(process.cmdline())
            if "ServeReplica:" in name or "samesense.cli.main serve" in name:
                total += process.memory_full_info().uss
    return total


def test_chaos_serve_fuzzed_requests_are_answered(service: str) -> None:
    statuses, wrong = attack_together(service, first=0, count=REQUESTS)
    print(dict(statuses))
    assert wrong == []
    assert statuses[200] > 0
    assert statuses[400] + statuses[415] + statuses[422] > REQUESTS / 2
    assert httpx.get(f"{service}/v1/health/ready", timeout=ANSWER_S).status_code == 200


def test_chaos_serve_its_openapi_holds(service: str, tmp_path: Path) -> None:
    tool = [sys.executable, "-m", "schemathesis.cli", "run", f"{service}/openapi.json"]
    checks = ["--checks", "not_a_server_error,content_type_conformance,unsupported_method"]
    sizes = ["--max-examples", str(EXAMPLES), "--seed", "1", "--request-timeout", str(ANSWER_S)]
    done = subprocess.run(
        [*tool, *checks, *sizes, "--no-color"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


HUGE_GIF = b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x00;"


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        # Of a fixed date, so that the bytes are always the same.
        zipped.writestr(zipfile.ZipInfo("picture.jpg"), jpeg())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (archive(), 415),
        (archive() + jpeg(), 415),
        (b"%PDF-1.4\n" + jpeg(), 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415),
        (b"GIF89a" + archive(), 415),
        (HUGE_GIF, 413),
        (b"\x80\x04\x95cos\nsystem\n", 415),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", 415),
        (b"", 415),
    ],
)
def test_chaos_serve_files_that_are_something_else_are_refused(
    service: str, data: bytes, status: int
) -> None:
    answer = httpx.post(f"{service}/v1/search", files={"image": data}, timeout=ANSWER_S)
    assert answer.status_code == status, answer.text


def test_chaos_serve_of_a_picture_with_a_tail_only_the_picture_counts(service: str) -> None:
    def vector(data: bytes) -> Any:
        body = {"input": data_uri(data), "encoding_format": "base64"}
        answer = httpx.post(f"{service}/v1/embeddings", json=body, timeout=ANSWER_S)
        return answer.json()["data"][0]["embedding"]

    assert vector(jpeg() + archive()) == vector(jpeg())


def test_chaos_serve_memory_does_not_grow(service: str) -> None:
    started, first, warm = time.monotonic(), REQUESTS, 0
    while time.monotonic() - started < SOAK_S:
        _, wrong = attack_together(service, first=first, count=200)
        assert wrong == []
        first += 200
        if not warm and time.monotonic() - started > WARM_S:
            warm = memory_bytes()
    print(f"{first - REQUESTS} requests; {warm >> 20} MiB, then {memory_bytes() >> 20} MiB")
    assert memory_bytes() <= GROWTH * warm
