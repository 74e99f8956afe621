import pytest
from pydantic import TypeAdapter, ValidationError

from samesense.index.options import FlatIndex, HnswIndex, IndexOptions

ADAPTER: TypeAdapter[FlatIndex | HnswIndex] = TypeAdapter(IndexOptions)


def test_the_kind_chooses_the_options() -> None:
    assert ADAPTER.validate_python({"kind": "flat"}) == FlatIndex()
    assert ADAPTER.validate_python({"kind": "hnsw", "links": 8}) == HnswIndex(links=8)


def test_options_of_another_kind_are_refused() -> None:
    with pytest.raises(ValidationError, match="links"):
        ADAPTER.validate_python({"kind": "flat", "links": 8})
