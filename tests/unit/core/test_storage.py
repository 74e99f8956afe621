"""Files are whole or absent."""

from pathlib import Path

import pytest

from samesense.core.errors import ConfigError, WriteError
from samesense.core.hashing import hash_json
from samesense.core.storage import local_path, write_atomically, write_text_atomically


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    write_atomically(path, write=lambda p: p.write_text("old") and None)

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(WriteError, match="file: cannot be written: disk full"):
        write_atomically(path, write=fail)
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path, why in (("folder", "Is a directory"), ("file/below", "File exists")):
        with pytest.raises(WriteError, match=f"{path}: cannot be written: {why}"):
            write_text_atomically(tmp_path / path, "text")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_uris_name_local_files(tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(b"xyz")
    assert local_path((tmp_path / "a b").as_uri()) == tmp_path / "a b"
    with pytest.raises(ConfigError, match="scheme 'ftp' is not supported"):
        local_path("ftp://host/x")


def test_the_hash_of_a_value_is_the_same_in_any_order() -> None:
    assert hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})
    assert hash_json({"a": 1, "b": 2}) != hash_json({"a": 2, "b": 1})
