import os
from pathlib import Path

import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.sources.folder import list_folder
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.options import CorpusOptions
from samesense.corpus.sources.row import Row


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def listed(folder: Path) -> list[Row]:
    return list(list_rows(CorpusOptions(uri=str(folder))))


def test_files_are_listed_in_order_with_domain_and_label(tmp_path: Path) -> None:
    _touch(*(tmp_path / name for name in ("b/cat/2.png", "b/cat/10.png", "a/dog/1.png")))
    rows = [(row.uri, row.domain, row.label, row.fault) for row in listed(tmp_path)]
    assert rows == [
        (str(tmp_path / "a/dog/1.png"), "a", "dog", None),
        (str(tmp_path / "b/cat/10.png"), "b", "cat", None),
        (str(tmp_path / "b/cat/2.png"), "b", "cat", None),
    ]


def test_hidden_files_and_folders_are_not_listed(tmp_path: Path) -> None:
    hidden = (".git/cat/1.png", "a/.cache/1.png", "a/cat/.DS_Store", ".DS_Store")
    _touch(*(tmp_path / name for name in hidden), tmp_path / "a/cat/1.png")
    assert [row.uri for row in listed(tmp_path)] == [str(tmp_path / "a/cat/1.png")]


@pytest.mark.parametrize("name", ["readme.txt", "a/1.png", "a/cat/more/1.png"])
def test_a_file_at_the_wrong_depth_is_a_fault(tmp_path: Path, name: str) -> None:
    _touch(tmp_path / name)
    (row,) = listed(tmp_path)
    assert row.fault is not None
    assert row.fault.reason == "wrong_depth"


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    _touch(tmp_path / "elsewhere/1.png", tmp_path / "corpus/a/dog/1.png")
    (tmp_path / "corpus/a/cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "corpus/a/dog/up").symlink_to(tmp_path / "corpus")
    (tmp_path / "corpus/a/dog/here").symlink_to(tmp_path / "corpus/a/dog")
    names = [Path(row.uri).relative_to(tmp_path / "corpus") for row in listed(tmp_path / "corpus")]
    assert names == [Path("a/cat/1.png"), Path("a/dog/1.png")]


def test_a_pipe_is_a_fault_and_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "a/cat").mkdir(parents=True)
    os.mkfifo(tmp_path / "a/cat/pipe.png")
    (row,) = listed(tmp_path)
    assert row.fault is not None
    assert row.fault.reason == "unreadable"


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"file/a: cannot be read: Not a directory"):
        list(list_folder(tmp_path / "file" / "a"))


def test_the_revision_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a/cat/1.png"
    _touch(path)
    (before,) = listed(tmp_path)
    (again,) = listed(tmp_path)
    path.write_bytes(b"longer")
    (after,) = listed(tmp_path)
    assert before == again
    assert before.revision != after.revision
    assert before.id == after.id
