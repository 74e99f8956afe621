"""``POST /v1/embeddings``: OpenAI's form, with what Jina, infinity, NIM and vLLM add for images."""

from collections.abc import Sequence
from typing import Any

from samesense.serving.errors import bad_request
from samesense.serving.forms.asked import (
    Asked,
    Embedded,
    Encoding,
    Part,
    encode,
    refuse_dimensions,
    refuse_dtype,
)
from samesense.serving.forms.body import Form, check_number
from samesense.serving.items import Picture, as_modality, text_or_image
from samesense.serving.options import LimitOptions


class EmbeddingsRequest(Form):
    """Texts and images, mixed as one likes."""

    model: str | None = None
    """Name of a model of ``/v1/models``; by default the first."""
    input: str | dict[str, Any] | list[Any] | None = None
    """A text, an image (address or data URI), ``{"text"}``, ``{"image"}``, a content part, or a
    list of them."""
    messages: list[dict[str, Any]] | None = None
    """A chat, whose parts become one vector."""
    modality: str | list[str] | None = None
    """What the strings of ``input`` are, where that is not to be seen from them."""
    encoding_format: Encoding | None = None
    """``base64`` is of little-endian float32; by default numbers."""
    embedding_type: Encoding | None = None
    """The same, as Jina's clients say it."""
    dimensions: int | None = None
    """Refused: vectors cannot be cut."""
    output_dimension: int | None = None
    """The same, as Voyage's clients say it."""
    output_dtype: str | None = None
    """``float``; others are refused."""

    def asked(self, files: Sequence[bytes], *, limits: LimitOptions) -> Asked:
        """Return what is to be embedded; uploaded files come last.

        Raises:
            ApiError: if it is nothing, too much, or of no known form.
        """
        refuse_dimensions(self.dimensions, param="dimensions")
        refuse_dimensions(self.output_dimension, param="output_dimension")
        refuse_dtype(self.output_dtype, param="output_dtype")
        if self.messages is not None:
            return Asked(self.model, [_chat(self.messages, limits=limits)])
        values = self.input if isinstance(self.input, list) else [self.input]
        values = [] if self.input is None else values
        check_number(len(values) + len(files), limits=limits, param="input")
        parts = [
            Part(self._item(value, number, limits), f"input[{number}]")
            for number, value in enumerate(values)
        ]
        parts += [Part(Picture(data), f"file[{n}]") for n, data in enumerate(files)]
        return Asked(self.model, [[part] for part in parts])

    def answer(self, embedded: Embedded) -> dict[str, Any]:
        """Return the vectors as OpenAI's clients read them."""
        encoding = self.encoding_format or self.embedding_type or "float"
        return {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": encode(z_D, encoding=encoding),
                }
                for index, z_D in enumerate(embedded.z_ND)
            ],
            "model": embedded.model,
            "fingerprint": embedded.fingerprint,
            "usage": {"prompt_tokens": embedded.tokens, "total_tokens": embedded.tokens},
        }

    def _item(self, value: Any, number: int, limits: LimitOptions) -> Any:
        param = f"input[{number}]"
        if isinstance(value, int) or (isinstance(value, list) and value):
            raise bad_request(
                f"{param}: token numbers are not taken, send texts "
                "(in LangChain: check_embedding_ctx_length=False)",
                param=param,
            )
        if self.modality is None:
            return text_or_image(value, limits=limits, param=param)
        modalities = [self.modality] if isinstance(self.modality, str) else self.modality
        if len(modalities) == 1:
            return as_modality(value, modality=modalities[0], limits=limits, param=param)
        if number >= len(modalities):
            raise bad_request("modality: one for each input is expected", param="modality")
        return as_modality(value, modality=modalities[number], limits=limits, param=param)


def content_parts(content: Any, *, limits: LimitOptions, param: str) -> list[Part]:
    """Return the items of a message's or an input's content.

    Raises:
        ApiError: if there is none, or one is of no known form.
    """
    parts = content if isinstance(content, list) else [content]
    check_number(len(parts), limits=limits, param=param)
    return [
        Part(text_or_image(part, limits=limits, param=f"{param}[{n}]"), f"{param}[{n}]")
        for n, part in enumerate(parts)
    ]


def _chat(messages: Sequence[dict[str, Any]], *, limits: LimitOptions) -> list[Part]:
    parts = [
        part
        for number, message in enumerate(messages)
        if message.get("role") != "system" and message.get("content") is not None
        for part in content_parts(
            message["content"], limits=limits, param=f"messages[{number}].content"
        )
    ]
    check_number(len(parts), limits=limits, param="messages")
    return parts
