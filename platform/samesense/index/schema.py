"""The fields of a collection and the index over its vectors, in Milvus' terms."""

from collections.abc import Mapping
from typing import Any

from pymilvus import CollectionSchema, DataType, MilvusClient

from samesense.index.options import FlatIndex, HnswIndex, IndexOptions, IvfIndex
from samesense.index.rows import TEXT_BYTES

METRIC = "COSINE"
HIT_FIELDS = ("uri", "label", "content_hash")
TEXT_FIELDS = (*HIT_FIELDS, "revision", "corpus")
SEARCH_WIDTH = "ef"


def collection_schema(*, width: int) -> CollectionSchema:
    """Return the fields: a stable key, what is known of a row, and the vector."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=TEXT_BYTES)
    for name in TEXT_FIELDS:
        schema.add_field(name, DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=width)
    return schema


def index_params(options: IndexOptions) -> Any:
    """Return Milvus' index parameters for the vector field."""
    params = MilvusClient.prepare_index_params()
    match options:
        case FlatIndex():
            params.add_index("vector", index_type="FLAT", metric_type=METRIC)
        case HnswIndex():
            build = {"M": options.links, "efConstruction": options.build_width}
            params.add_index("vector", index_type="HNSW", metric_type=METRIC, params=build)
        case IvfIndex():
            build = {"nlist": options.cells}
            params.add_index("vector", index_type="IVF_FLAT", metric_type=METRIC, params=build)
    return params


def search_settings(options: IndexOptions) -> dict[str, int]:
    """Return what a search of such an index sets; nothing where it is exact."""
    match options:
        case HnswIndex():
            return {SEARCH_WIDTH: options.search_width}
        case IvfIndex():
            return {"nprobe": options.probes}
        case _:
            return {}


def search_params(settings: Mapping[str, int], *, limit: int) -> dict[str, Any]:
    """Return Milvus' search parameters for so many hits."""
    params = dict(settings)
    if SEARCH_WIDTH in params:
        params[SEARCH_WIDTH] = max(params[SEARCH_WIDTH], limit)
    return {"metric_type": METRIC, "params": params}
