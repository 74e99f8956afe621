"""Options of the index: how Milvus looks for neighbours within one collection."""

from typing import Annotated, Literal

from pydantic import Field

from samesense.core.options import Options


class FlatIndex(Options):
    """Exact search: every vector is compared."""

    kind: Literal["flat"] = "flat"


class HnswIndex(Options):
    """Approximate search in a navigable graph (Malkov and Yashunin, 2016, arXiv:1603.09320)."""

    kind: Literal["hnsw"] = "hnsw"
    links: int = Field(default=16, ge=2, le=2048)
    """Neighbours that a vertex keeps on each level (M)."""
    build_width: int = Field(default=200, ge=8)
    """Candidates considered while a vertex is inserted (efConstruction)."""
    search_width: int = Field(default=128, ge=1, le=16_384)
    """Candidates considered while a query is answered (ef); never less than the hits asked for."""


class IvfIndex(Options):
    """Approximate search in the cells of a k-means partition, vectors kept as they are (IVF_FLAT).

    Sivic and Zisserman, 2003; smaller than a graph and quick to build, slower to search.
    """

    kind: Literal["ivf"] = "ivf"
    cells: int = Field(default=1024, ge=1, le=65_536)
    """Cells of the partition (nlist); about four times the square root of the rows is usual."""
    probes: int = Field(default=32, ge=1, le=65_536)
    """Cells that a query looks into (nprobe)."""


IndexOptions = Annotated[FlatIndex | HnswIndex | IvfIndex, Field(discriminator="kind")]
