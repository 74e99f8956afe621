"""The fields of a collection and the index over its vectors, in Milvus' terms."""

from typing import Any

from pymilvus import CollectionSchema, DataType, MilvusClient

from samesense.index.options import FlatIndex, HnswIndex
from samesense.index.rows import TEXT_BYTES

METRIC = "COSINE"
TEXT_FIELDS = ("uri", "label", "content_hash")


def collection_schema(*, width: int) -> CollectionSchema:
    """Return the fields: a stable key, what a hit shows, and the vector."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=TEXT_BYTES)
    for name in TEXT_FIELDS:
        schema.add_field(name, DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=width)
    return schema


def index_params(options: FlatIndex | HnswIndex) -> Any:
    """Return Milvus' index parameters for the vector field."""
    params = MilvusClient.prepare_index_params()
    match options:
        case FlatIndex():
            params.add_index("vector", index_type="FLAT", metric_type=METRIC)
        case HnswIndex():
            build = {"M": options.links, "efConstruction": options.build_width}
            params.add_index("vector", index_type="HNSW", metric_type=METRIC, params=build)
    return params


def search_params(*, search_width: int, limit: int) -> dict[str, Any]:
    """Return Milvus' search parameters; ``search_width`` 0 means an exact search."""
    params = {"ef": max(search_width, limit)} if search_width else {}
    return {"metric_type": METRIC, "params": params}
