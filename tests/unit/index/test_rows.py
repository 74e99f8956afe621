import numpy as np
import pytest

from samesense.core.errors import StoreError
from samesense.index.rows import IndexRows


def _rows(count: int, *, width: int = 4, uri: str = "u") -> IndexRows:
    ids = [str(number) for number in range(count)]
    z_ND = np.ones((count, width), np.float32)
    return IndexRows(ids, [uri] * count, ["l"] * count, ["h"] * count, z_ND)


def test_messages_hold_every_row_once_and_stay_under_the_limit() -> None:
    rows = _rows(100, width=25, uri="é" * 50)  # 64 + 100 + 100 + at most 4 bytes a row
    messages = list(rows.messages(message_bytes=1000))
    assert [row["id"] for message in messages for row in message] == list(rows.ids)
    assert {len(message) for message in messages[:-1]} == {3}


def test_a_row_above_the_limit_still_travels_alone() -> None:
    assert [len(message) for message in _rows(3).messages(message_bytes=1)] == [1, 1, 1]


def test_no_rows_are_no_messages() -> None:
    assert list(_rows(0).messages()) == []


def test_columns_must_have_one_length() -> None:
    with pytest.raises(StoreError, match=r"columns of \[2, 1, 2, 2, 2\]"):
        IndexRows(["a", "b"], ["u"], ["l"] * 2, ["h"] * 2, np.ones((2, 4), np.float32))


def test_an_id_may_not_stand_twice() -> None:
    with pytest.raises(StoreError, match="twice"):
        IndexRows(["a", "a"], ["u"] * 2, ["l"] * 2, ["h"] * 2, np.ones((2, 4), np.float32))


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_refused(value: float) -> None:
    z_ND = np.ones((2, 4), np.float32)
    z_ND[1] = value
    with pytest.raises(
        StoreError, match=r"1 vectors are zero or not finite, the first of bad\.png"
    ):
        IndexRows(["a", "b"], ["good.png", "bad.png"], ["l"] * 2, ["h"] * 2, z_ND)


def test_a_text_longer_than_milvus_takes_is_refused() -> None:
    with pytest.raises(StoreError, match="65535 bytes"):
        _rows(1, uri="é" * 40_000)
