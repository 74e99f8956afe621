"""Every answer that is not a result: one shape, and one table of codes.

{"error": {"message", "type", "param", "code"}}, as OpenAI's clients read it. ``param`` names the
item or field at fault.

    400  bad_request         a field is missing, unknown or of another kind
    401  unauthorized        no key, or a wrong one
    403  forbidden_address   an image's address is not fetched
    404  not_found           an unknown model, index, domain or item
    409  fingerprint         the index was built with another model than the query's
    413  too_large           over a limit, which the message names
    415  not_an_image        bytes that are no image which can be read
    422  shape               a vector of another width, a text where the model takes none, or what
                             the model cannot take in
    429  busy                come back after ``Retry-After`` seconds
    503  unavailable         a part is starting, or cannot be reached
"""

from dataclasses import dataclass
from typing import Any

from samesense.corpus.decode import Rejected

RETRY_AFTER_S = 1
TOO_LARGE = ("too_many_bytes", "too_many_pixels", "too_long_side")


@dataclass
class ApiError(Exception):
    """A refusal that the caller can mend."""

    status: int
    code: str
    message: str
    param: str | None = None

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return ApiError, (self.status, self.code, self.message, self.param)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that a caller gets."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": self.message,
                "type": kind,
                "param": self.param,
                "code": self.code,
            }
        }

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with it."""
        match self.status:
            case 401:
                return {"WWW-Authenticate": "Bearer"}
            case 429 | 503:
                return {"Retry-After": str(RETRY_AFTER_S)}
            case _:
                return {}


def bad_request(message: str, *, param: str | None = None) -> ApiError:
    """Return the refusal of a request that is not of the form asked for."""
    return ApiError(400, "bad_request", message, param)


def not_found(message: str, *, param: str | None = None) -> ApiError:
    """Return the refusal of a name that nothing has."""
    return ApiError(404, "not_found", message, param)


def too_large(message: str, *, param: str | None = None) -> ApiError:
    """Return the refusal of what is over a limit."""
    return ApiError(413, "too_large", message, param)


def of_rejected(rejected: Rejected, *, param: str) -> ApiError:
    """Return the refusal of an image that gives no picture."""
    message = f"{param}: {rejected.reason}: {rejected.detail}"
    if rejected.reason in TOO_LARGE:
        return too_large(message, param=param)
    return ApiError(415, "not_an_image", message, param)


GONE = ApiError(503, "unavailable", "a part of the service does not answer; ask again")
"""What a caller is told when asking again inside the platform has not helped."""
BUSY = ApiError(429, "busy", "too many requests are waiting; come back in a moment")
"""What a caller is told who comes when there is too much to do already."""
