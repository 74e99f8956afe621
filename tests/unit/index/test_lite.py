import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from samesense.core.errors import StoreError
from samesense.index.store import open_store

OWNER = """
import sys
from samesense.index.store import open_store
with open_store(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_folder_of_another_process_is_refused_until_that_ends(tmp_path: Path) -> None:
    folder = tmp_path / "index.db"
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"open\n"
        with pytest.raises(
            StoreError, match=rf"in use by process {owner.pid} .*milvus-lite server"
        ):
            open_store(str(folder))
        owner.kill()
    with open_store(str(folder)) as store:
        assert store.indexes() == []


def test_stores_of_one_process_share_the_folder(tmp_path: Path) -> None:
    first = open_store(str(tmp_path / "index"))
    second = open_store((tmp_path / "index").as_uri())
    first.close()
    assert second.indexes() == []
    second.close()
    with open_store(str(tmp_path / "index")) as third:
        assert third.indexes() == []


@pytest.mark.parametrize("left", [(), ("schema.json.tmp",)])
def test_a_collection_whose_creator_was_killed_is_created_anew(
    tmp_path: Path, left: tuple[str, ...]
) -> None:
    contents = {"domain": "photo", "fingerprint": "c3" * 32, "width": 4, "model": ""}
    with open_store(str(tmp_path / "index")) as store:
        name = store.build("toys", **contents).contents.name
    folder = tmp_path / "index/collections" / name
    shutil.rmtree(folder)
    folder.mkdir()
    for part in left:
        (folder / part).touch()
    with open_store(str(tmp_path / "index")) as store:
        assert store.build("toys", **contents).count() == 0


def test_what_holds_data_is_never_removed(tmp_path: Path) -> None:
    open_store(str(tmp_path / "index")).close()
    kept = tmp_path / "index/collections/other/rows.parquet"
    kept.parent.mkdir()
    kept.touch()
    open_store(str(tmp_path / "index")).close()
    assert kept.exists()


def test_reading_makes_no_index(tmp_path: Path) -> None:
    open_store(str(tmp_path / "index")).close()
    (tmp_path / "empty").mkdir()
    for name, hint in (("indx", r" Did you mean 'index'\?"), ("empty", ""), ("a/b", "")):
        with pytest.raises(StoreError, match=f"{name}: no index is there; .* makes one.{hint}$"):
            open_store(str(tmp_path / name), must_exist=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "index"]
    open_store(str(tmp_path / "index"), must_exist=True).close()


def test_a_file_and_a_folder_of_other_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an index")
    with pytest.raises(StoreError, match="is a file"):
        open_store(str(tmp_path / "notes.txt"))
    with pytest.raises(StoreError, match="holds other things"):
        open_store(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
