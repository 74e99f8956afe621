import json
from pathlib import Path
from typing import Any

import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.sources.jsonl import list_jsonl
from samesense.corpus.sources.row import Row

ROW = {"uri": "x.png", "domain": "d", "label": "c"}


def _list(folder: Path, *lines: Any) -> list[Row]:
    path = folder / "m.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return list(list_jsonl(str(path)))


def test_a_relative_uri_starts_at_the_folder_of_the_manifest(tmp_path: Path) -> None:
    rows = _list(
        tmp_path,
        {**ROW, "text": "a cat"},
        {**ROW, "uri": "/abs/y.png"},
        {**ROW, "uri": "file:///abs/z.png"},
    )
    assert rows[0] == Row(str(tmp_path / "x.png"), "d", "c", text="a cat")
    assert [row.uri for row in rows[1:]] == ["/abs/y.png", "file:///abs/z.png"]


def test_path_stands_for_uri(tmp_path: Path) -> None:
    (row,) = _list(tmp_path, {"path": "x.png", "domain": "d", "label": "c"})
    assert (row.uri, row.fault) == (str(tmp_path / "x.png"), None)


def test_whole_numbers_are_labels_and_zero_is_one_of_them(tmp_path: Path) -> None:
    (row,) = _list(tmp_path, {**ROW, "label": 0, "text": 5})
    assert (row.label, row.text, row.fault) == ("0", "5", None)


@pytest.mark.parametrize(
    ("line", "reason", "words"),
    [
        ({"uri": "x.png", "domain": "d"}, "incomplete_row", "row 2: lacks label"),
        ({**ROW, "label": ""}, "incomplete_row", "lacks label"),
        ({**ROW, "label": None}, "incomplete_row", "lacks label"),
        ({**ROW, "label": ["c"]}, "incomplete_row", "lacks label"),
        ({**ROW, "domain": float("nan")}, "incomplete_row", "lacks domain"),
        ({"uri": "x.png", "domain": "d", "lable": "c"}, "incomplete_row", "mean 'lable'"),
        ("{oops", "bad_row", "row 2: is not JSON"),
        ("[1]", "bad_row", "not a JSON object"),
        ("[" * 100_000, "bad_row", "is not JSON"),
    ],
)
def test_one_bad_line_is_one_fault(tmp_path: Path, line: Any, reason: str, words: str) -> None:
    rows = _list(tmp_path, ROW, line, ROW)
    assert [row.fault is None for row in rows] == [True, False, True]
    fault = rows[1].fault
    assert fault is not None
    assert fault.reason == reason
    assert words in fault.detail


def test_blank_lines_marks_and_odd_separators_change_nothing(tmp_path: Path) -> None:
    line = json.dumps({**ROW, "text": "one\u2028two\x85three"}, ensure_ascii=False)
    (row,) = _list(tmp_path, "\ufeff" + line, "", "   ")
    assert row.fault is None
    assert row.text == "one\u2028two\x85three"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match=r"m.jsonl: cannot be read"):
        list(list_jsonl(str(tmp_path / "m.jsonl")))
