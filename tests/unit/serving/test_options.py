"""What a service's options refuse."""

import pytest

from samesense.core.errors import ConfigError
from samesense.core.options import validate
from samesense.serving.options import HttpOptions


@pytest.mark.parametrize(
    "origin", ["https://site.example", "http://127.0.0.1:8080", "http://[::1]:80", "*"]
)
def test_an_origin_is_taken_as_browsers_name_it(origin: str) -> None:
    assert validate({"allowed_origins": [origin]}, kind=HttpOptions).allowed_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "site.example",
        "https://site.example/",
        "https://Site.example",
        "https://",
        "null",
        "https://*.a",
    ],
)
def test_what_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match=r"allowed_origins.*is no origin: write a site as"):
        validate({"allowed_origins": [origin]}, kind=HttpOptions)
