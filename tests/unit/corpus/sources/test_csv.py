from pathlib import Path

import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.sources.csv import list_csv
from samesense.corpus.sources.row import Row


def _list(folder: Path, text: str) -> list[Row]:
    path = folder / "m.csv"
    path.write_text(text, encoding="utf-8")
    return list(list_csv(str(path)))


def test_columns_come_in_any_order_with_others_between(tmp_path: Path) -> None:
    text = (
        '\ufefflabel,size,path,domain,text\n7,1,x.png,d,"a cat, asleep\nin the sun"\n0,1,y.png,d,\n'
    )
    assert _list(tmp_path, text) == [
        Row(str(tmp_path / "x.png"), "d", "7", text="a cat, asleep\nin the sun"),
        Row(str(tmp_path / "y.png"), "d", "0"),
    ]


def test_a_manifest_may_say_what_changes_with_an_image(tmp_path: Path) -> None:
    text = "uri,domain,label,revision\nx.png,d,c,2026-11-27\ny.png,d,c,\n"
    assert [row.revision for row in _list(tmp_path, text)] == ["2026-11-27", ""]


def test_short_and_long_lines_are_faults_of_their_own(tmp_path: Path) -> None:
    rows = _list(tmp_path, "uri,domain,label\nx.png,d,c\ny.png,d\nz.png,d,c,more\n\nv.png,d,c\n")
    faults = [row.fault and (row.fault.reason, row.fault.detail[-35:]) for row in rows]
    assert [fault and fault[0] for fault in faults] == [None, "incomplete_row", "bad_row", None]
    assert rows[1].fault is not None
    assert "row 3: lacks label" in rows[1].fault.detail


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("uri,domain,lable", "no column 'label' .has: uri, domain, lable.. Did you mean 'lable'"),
        ("uri;domain;label", "no column 'uri'"),
        ("domain,label", "no column 'uri'"),
        ("", "no column 'uri'"),
    ],
)
def test_a_missing_column_is_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        _list(tmp_path, f"{header}\nx.png,d,c\n")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"uri,domain,label\n\xff\xfe,d,c\n")
    with pytest.raises(CorpusError, match=r"m.csv: cannot be read"):
        list(list_csv(str(tmp_path / "m.csv")))
