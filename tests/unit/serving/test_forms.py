import base64
import json
from typing import Any

import numpy as np
import pytest

from samesense.corpus.decode import DecodeLimits
from samesense.serving.errors import ApiError
from samesense.serving.forms.asked import Asked, Embedded
from samesense.serving.forms.body import parse_json, read_form
from samesense.serving.forms.cohere import EmbedRequest
from samesense.serving.forms.openai import EmbeddingsRequest
from samesense.serving.forms.search import SearchRequest
from samesense.serving.forms.voyage import MultimodalRequest
from samesense.serving.items import Address, Item, Picture, Text
from samesense.serving.options import LimitOptions

LIMITS = LimitOptions(items=4, text_characters=50, image=DecodeLimits(max_bytes=64), hits=20)
BYTES = b"\x89PNG, as it were"
BARE = base64.b64encode(BYTES).decode()
URI = f"data:image/png;base64,{BARE}"
URL = "https://example.org/dog.png"
EMBEDDED = Embedded("m", "f", np.array([[1, 0], [0.6, -0.8]], dtype=np.float32), tokens=7)


def _items(asked: Asked) -> list[list[Item]]:
    return [[part.item for part in parts] for parts in asked.inputs]


def _openai(**body: Any) -> list[list[Item]]:
    return _items(read_form(EmbeddingsRequest, body).asked([], limits=LIMITS))


@pytest.mark.parametrize(
    ("value", "item"),
    [
        ("a dog", Text("a dog")),
        (URI, Picture(BYTES)),
        (URL, Address(URL)),
        (f"{URL} is down", Text(f"{URL} is down")),
        ("HTTP://example.org\nis down", Text("HTTP://example.org\nis down")),
        ({"text": "a dog"}, Text("a dog")),
        ({"image": BARE}, Picture(BYTES)),
        ({"image": URL}, Address(URL)),
        ({"type": "text", "text": URL}, Text(URL)),
        ({"type": "image_url", "image_url": {"url": URI, "detail": "low"}}, Picture(BYTES)),
        ({"type": "image_url", "image_url": URL}, Address(URL)),
        ({"type": "image_base64", "image_base64": URI}, Picture(BYTES)),
    ],
)
def test_one_item_in_every_form(value: Any, item: Item) -> None:
    assert _openai(input=[value]) == [[item]]
    if not isinstance(value, list):
        assert _openai(input=value) == [[item]]


def test_texts_and_images_mix_and_keep_their_order() -> None:
    assert _openai(input=["a", {"image": BARE}, URL]) == [
        [Text("a")],
        [Picture(BYTES)],
        [Address(URL)],
    ]


def test_a_modality_says_what_strings_are() -> None:
    assert _openai(input=[URL], modality="text") == [[Text(URL)]]
    assert _openai(input=[BARE, "x"], modality=["image", "text"]) == [[Picture(BYTES)], [Text("x")]]


def test_a_chat_becomes_one_vector_of_all_its_parts() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"image_url": {"url": URI}}]},
    ]
    assert _openai(messages=messages) == [[Text("a"), Picture(BYTES)]]
    said = f"{URL} is down"
    assert _openai(messages=[{"role": "user", "content": said}]) == [[Text(said)]]


def test_uploads_come_last() -> None:
    asked = read_form(EmbeddingsRequest, {"input": "a"}).asked([b"1", b"2"], limits=LIMITS)
    assert _items(asked) == [[Text("a")], [Picture(b"1")], [Picture(b"2")]]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "nothing is given"),
        ({"input": []}, 400, "nothing is given"),
        ({"input": " "}, 400, "empty"),
        ({"input": [1, 2]}, 400, "token numbers"),
        ({"input": [[1, 2]]}, 400, "token numbers are not taken, send texts"),
        ({"input": {"image": f"{URL} is down"}}, 415, "neither an address"),
        ({"input": [None]}, 400, "got nothing"),
        ({"input": [{"text": "a", "image": "b"}]}, 400, "exactly one of"),
        ({"input": ["a"] * 5}, 413, "the limit is 4"),
        ({"input": "a" * 51}, 413, "the limit is 50"),
        ({"input": {"image": base64.b64encode(b"1" * 90).decode()}}, 413, "64 bytes"),
        ({"input": {"image": "not base64!"}}, 415, "base64"),
        ({"input": "data:image/png,abc"}, 400, "must be of base64"),
        ({"input": "a", "dimensions": 64}, 400, "cannot be cut"),
        ({"input": "a", "modality": "sound"}, 400, "not one of"),
        ({"input": "a", "encoding_format": "int8"}, 400, "encoding_format"),
        ({"input": "a", "embedding_type": "binary"}, 400, "embedding_type"),
        ({"input": "a", "output_dimension": 64}, 400, "cannot be cut"),
        ({"input": "a", "output_dtype": "int8"}, 400, "output_dtype: 'int8'"),
    ],
)
def test_what_is_refused_and_why(body: dict[str, Any], status: int, says: str) -> None:
    with pytest.raises(ApiError) as refused:
        _openai(**body)
    assert refused.value.status == status
    assert says in refused.value.message


def test_openai_answers_floats_and_little_endian_base64() -> None:
    plain = read_form(EmbeddingsRequest, {"input": "a"}).answer(EMBEDDED)
    assert [one["index"] for one in plain["data"]] == [0, 1]
    assert plain["data"][0]["embedding"] == [1.0, 0.0]
    assert plain["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    for name in ("encoding_format", "embedding_type"):
        coded = read_form(EmbeddingsRequest, {"input": "a", name: "base64"})
        first = coded.answer(EMBEDDED)["data"][1]["embedding"]
        assert np.frombuffer(base64.b64decode(first), "<f4") == pytest.approx([0.6, -0.8])


def test_no_encoding_is_floats() -> None:
    body = {"input": "a", "encoding_format": None, "embedding_type": None, "output_dtype": "float"}
    form = read_form(EmbeddingsRequest, body)
    form.asked([], limits=LIMITS)
    assert form.answer(EMBEDDED)["data"][0]["embedding"] == [1.0, 0.0]


def test_cohere_takes_texts_or_images_or_inputs() -> None:
    def items(**body: Any) -> list[list[Item]]:
        return _items(read_form(EmbedRequest, body).asked(limits=LIMITS))

    assert items(texts=["a", "b"]) == [[Text("a")], [Text("b")]]
    assert items(images=[URI]) == [[Picture(BYTES)]]
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": URI}}]
    assert items(inputs=[{"content": content}]) == [[Text("a"), Picture(BYTES)]]
    with pytest.raises(ApiError, match="exactly one of"):
        items(texts=["a"], images=[URI])


def test_cohere_answers_by_type() -> None:
    form = read_form(EmbedRequest, {"texts": ["a", "b"], "embedding_types": ["float", "base64"]})
    vectors = form.answer(EMBEDDED)["embeddings"]
    assert vectors["float"][0] == [1.0, 0.0]
    assert np.frombuffer(base64.b64decode(vectors["base64"][0]), "<f4").tolist() == [1.0, 0.0]


def test_voyage_takes_inputs_of_several_parts() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "image_base64", "image_base64": URI}]
    form = read_form(MultimodalRequest, {"inputs": [{"content": content}], "model": "m"})
    assert _items(form.asked(limits=LIMITS)) == [[Text("a"), Picture(BYTES)]]
    assert form.answer(EMBEDDED)["data"][0]["embedding"] == [1.0, 0.0]
    other = read_form(MultimodalRequest, {"inputs": [{"content": content}], "output_dtype": "int8"})
    with pytest.raises(ApiError, match="output_dtype: 'int8'"):
        other.asked(limits=LIMITS)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "got none"),
        ({"query": {"text": "a", "item": "1"}}, 400, "several"),
        ({"query": {"text": "a"}, "limit": 21}, 413, "the limit is 20"),
        ({"query": {"text": "a"}, "offset": 16_380}, 400, "16384"),
        ({"query": {"text": "a"}, "merge": "best"}, 400, "calibrated, raw, rrf, per_domain"),
        ({"query": {"text": "a"}, "limit": 0}, 400, "limit"),
        ({"query": {"text": "a"}, "threshold": 1.5}, 400, "threshold"),
        ({"query": {"text": "a"}, "domain": ["photo"]}, 400, "Did you mean 'domains'?"),
        ({"query": {"txt": "a"}}, 400, "query.txt: unknown field. Did you mean 'text'?"),
        ({"query": {"text": "a"}, "filter": {"labels": ["dog"]}}, 400, "Did you mean 'label'?"),
        ({"query": {"text": "a"}, "zzz": 1}, 400, "zzz: unknown field. Known here: domains, "),
    ],
)
def test_a_search_that_is_refused(body: dict[str, Any], status: int, says: str) -> None:
    def read() -> None:
        form = read_form(SearchRequest, body)
        form.check(limits=LIMITS)
        form.parts([], limits=LIMITS)

    with pytest.raises(ApiError) as refused:
        read()
    assert refused.value.status == status
    assert says in refused.value.message


def test_a_search_leaves_out_the_source_domain() -> None:
    form = read_form(
        SearchRequest,
        {"query": {"text": "a"}, "source_domain": "sketch", "exclude_domains": ["map"]},
    )
    assert form.wanted(domains=["map", "photo", "sketch"]).domains == ["photo"]
    form = read_form(SearchRequest, {"query": {"text": "a"}, "source_domain": "sketch"})
    with pytest.raises(ApiError, match="none is left"):
        form.wanted(domains=["sketch"])


@pytest.mark.parametrize(
    "left_out", [{"source_domain": "sketches"}, {"exclude_domains": ["photo", "sketches"]}]
)
def test_a_domain_to_leave_out_must_be_there(left_out: dict[str, Any]) -> None:
    form = read_form(SearchRequest, {"query": {"text": "a"}} | left_out)
    with pytest.raises(ApiError) as refused:
        form.wanted(domains=["map", "photo", "sketch"])
    (param,) = left_out
    assert (refused.value.status, refused.value.param) == (404, param)
    assert "no domain 'sketches' (has: map, photo, sketch). Did you mean 'sketch'?" in str(
        refused.value
    )


def test_forms_of_others_pass_over_what_they_know_and_we_do_not() -> None:
    assert _openai(input="a", user="me", priority=3) == [[Text("a")]]
    assert read_form(EmbedRequest, {"texts": ["a"], "truncate": "END"}).texts == ["a"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"input": NaN}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b"\xff",
        b"1" * 9999,
    ],
)
def test_bodies_that_are_no_json_objects(data: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        parse_json(data)
    assert refused.value.status == 400
    json.dumps(refused.value.body)


def test_escaped_letters_beyond_the_first_plane_are_taken() -> None:
    assert parse_json(b'{"a": "\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}
