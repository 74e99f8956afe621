"""Who may call: API keys, compared in constant time."""

import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from samesense.core.errors import ConfigError
from samesense.serving.errors import ApiError
from samesense.serving.options import HttpOptions

VARIABLE = "SAMESENSE_API_KEYS"
LEAST_CHARACTERS = 16


def read_keys(options: HttpOptions) -> tuple[str, ...]:
    """Return the keys of environment and file.

    Raises:
        ConfigError: if the file cannot be read, a key is short, or there is none although others
            than this machine could call.
    """
    keys = [key.strip() for key in os.environ.get(VARIABLE, "").split(",")]
    if options.keys_file is not None:
        try:
            keys += [key.strip() for key in Path(options.keys_file).read_text().splitlines()]
        except OSError as error:
            raise ConfigError(f"http.keys_file: {options.keys_file}: {error.strerror}") from None
    found = tuple(key for key in keys if key and not key.startswith("#"))
    if any(len(key) < LEAST_CHARACTERS for key in found):
        raise ConfigError(f"an API key has fewer than {LEAST_CHARACTERS} characters")
    if not found and not options.is_loopback:
        raise ConfigError(
            f"http.host: {options.host} can be reached by others, so there must be API keys: set "
            f"{VARIABLE}, or http.keys_file"
        )
    return found


def check_key(authorization: str | None, *, keys: Sequence[str]) -> None:
    """Check the ``Authorization`` header of a request; without keys all may call.

    Raises:
        ApiError: 401, which does not tell whether a key was near.
    """
    scheme, _, given = (authorization or "").partition(" ")
    known = [hmac.compare_digest(given.strip().encode(), key.encode()) for key in keys]
    if keys and (scheme.lower() != "bearer" or not any(known)):
        raise ApiError(
            401, "unauthorized", "a key is needed, as the header `Authorization: Bearer KEY`"
        )
