from pathlib import Path

import pytest

from samesense.core.errors import ConfigError
from samesense.serving.errors import ApiError
from samesense.serving.keys import VARIABLE, check_key, read_keys
from samesense.serving.options import HttpOptions

KEY, OTHER = "k" * 20, "o" * 20


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_keys_come_from_environment_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f" {KEY} ,")
    (tmp_path / "keys").write_text(f"# of the team\n{OTHER}\n\n")
    assert read_keys(HttpOptions(keys_file=str(tmp_path / "keys"))) == (KEY, OTHER)


def test_only_loopback_needs_no_key() -> None:
    assert read_keys(HttpOptions(host="127.0.0.1")) == ()
    assert read_keys(HttpOptions(host="::1")) == ()
    assert read_keys(HttpOptions(host="localhost")) == ()
    for host in ("0.0.0.0", "192.168.0.7", "example.org"):
        with pytest.raises(ConfigError, match="API keys"):
            read_keys(HttpOptions(host=host))


def test_short_keys_and_lost_files_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="keys_file"):
        read_keys(HttpOptions(keys_file=str(tmp_path / "none")))
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ConfigError, match="fewer than 16") as told:
        read_keys(HttpOptions())
    assert "short" not in str(told.value)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {KEY[1:]}", "Bearer é"],
)
def test_a_wrong_key_is_refused(header: str | None) -> None:
    with pytest.raises(ApiError) as refused:
        check_key(header, keys=(KEY, OTHER))
    assert refused.value.status == 401
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    assert KEY not in refused.value.message


def test_a_right_key_passes_and_without_keys_all_do() -> None:
    check_key(f"Bearer {OTHER}", keys=(KEY, OTHER))
    check_key(f"bearer  {KEY} ", keys=(KEY, OTHER))
    check_key(None, keys=())
