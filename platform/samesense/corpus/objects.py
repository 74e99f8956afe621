"""Objects of an S3 store: listed page by page, read whole or in part, tried again when it fails.

Credentials, region and endpoint come from the usual AWS environment, profile or role, and appear
in no message.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from samesense.core.errors import CorpusError

T = TypeVar("T")
SCHEME = "s3://"
ATTEMPTS = 8
LONGEST_WAIT_S = 10.0
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5, 30
CONNECTIONS = 64
UNCONFIGURED = (NoCredentialsError, NoRegionError, PartialCredentialsError, ProfileNotFound)
PASSING_CODES = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})
CREDENTIAL_CODES = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403"}
)
ABSENT_CODES = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True)
class Object:
    """One object as a listing tells of it."""

    uri: str
    size_bytes: int
    revision: str
    """The ETag: it changes with the content."""


def is_object(uri: str) -> bool:
    """Tell whether a URI names an object or a prefix of an S3 store."""
    return uri.startswith(SCHEME)


def list_objects(prefix_uri: str) -> Iterator[Object]:
    """Yield the objects whose keys begin with a prefix, ordered by key, a page at a time.

    Raises:
        CorpusError: if the store cannot be used: no credentials, no such bucket, no answer.
    """
    bucket, prefix = split_uri(prefix_uri)
    token: dict[str, str] = {}
    while True:
        page = _ask(prefix_uri, "list_objects_v2", Bucket=bucket, Prefix=prefix, **token)
        for entry in page.get("Contents", ()):
            yield Object(
                uri=f"{SCHEME}{bucket}/{entry['Key']}",
                size_bytes=int(entry["Size"]),
                revision=str(entry["ETag"]).strip('"'),
            )
        if not page.get("IsTruncated"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


def find_object(uri: str) -> Object | None:
    """Return the object of exactly this name, or None if there is none.

    Raises:
        CorpusError: if the store cannot be used.
    """
    found = next(list_objects(uri), None)
    return found if found is not None and found.uri == uri else None


def read_object(uri: str, *, start: int = 0, end: int | None = None) -> bytes:
    """Return the bytes of an object from ``start`` up to, not including, ``end``.

    Answers that break off are asked for again.

    Raises:
        FileNotFoundError: if there is no such object.
        OSError: if it cannot be read after several attempts.
        CorpusError: if the store cannot be used at all.
    """
    bucket, key = split_uri(uri)
    if end is not None and end <= start:
        return b""
    part = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end else {}

    def read() -> bytes:
        data: bytes = _client().get_object(Bucket=bucket, Key=key, **part)["Body"].read()
        return data

    try:
        return _patiently(read)
    except ClientError as error:
        code = _code(error)
        if code in ABSENT_CODES:
            raise FileNotFoundError(f"{uri}: no such object") from None
        if code == "InvalidRange":
            return b""
        if code == "NoSuchBucket":
            _refuse(uri, error)
        raise OSError(f"{uri}: {code}: {_said(error)}") from None
    except UNCONFIGURED as error:
        _refuse(uri, error)
    except (BotoCoreError, OSError) as error:
        raise OSError(f"{uri}: {error}") from None


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an ``s3://`` URI.

    Raises:
        CorpusError: if it names no bucket.
    """
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc:
        raise CorpusError(f"{uri}: names no bucket; write s3://BUCKET/PREFIX")
    # A question mark is part of a key here.
    return parts.netloc, uri.removeprefix(f"{SCHEME}{parts.netloc}").removeprefix("/")


_opening = Lock()


def _client() -> Any:
    # Threads that ask at the same time would each load the service's description anew.
    with _opening:
        return _opened()


@cache
def _opened() -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return boto3.session.Session().client("s3", config=config)


def _ask(uri: str, operation: str, **request: Any) -> dict[str, Any]:
    def call() -> dict[str, Any]:
        answer: dict[str, Any] = getattr(_client(), operation)(**request)
        return answer

    try:
        return _patiently(call)
    except (BotoCoreError, ClientError, OSError) as error:
        _refuse(uri, error)


def _patiently(call: Callable[[], T]) -> T:
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.1, max=LONGEST_WAIT_S),
        retry=retry_if_exception(_is_passing),
        reraise=True,
    )
    return attempts(call)


def _is_passing(error: BaseException) -> bool:
    """Tell a failure that another attempt may mend."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _code(error) in PASSING_CODES or status >= 500
    passing = (ConnectionError, HTTPClientError, IncompleteReadError, OSError)
    return isinstance(error, passing) and not isinstance(error, UNCONFIGURED)


def _refuse(uri: str, error: Exception) -> NoReturn:
    """Say what is wrong with the store, and what to do."""
    if isinstance(error, UNCONFIGURED):
        raise CorpusError(
            f"{uri}: no way into the store: {error}. Set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role; AWS_DEFAULT_REGION "
            "and, for a store that is not AWS, AWS_ENDPOINT_URL"
        ) from None
    code = _code(error) if isinstance(error, ClientError) else ""
    if code == "NoSuchBucket":
        raise CorpusError(f"{uri}: no such bucket '{split_uri(uri)[0]}'") from None
    if code in CREDENTIAL_CODES:
        raise CorpusError(
            f"{uri}: the store refuses these credentials ({code}); s3:ListBucket on the bucket and "
            "s3:GetObject on its objects are needed"
        ) from None
    raise CorpusError(f"{uri}: the store does not answer after {ATTEMPTS} attempts: {error}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _said(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
