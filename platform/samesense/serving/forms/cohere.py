"""``POST /v2/embed``: Cohere's form."""

import uuid
from typing import Any, Literal

from pydantic import Field

from samesense.serving.errors import bad_request
from samesense.serving.forms.asked import Asked, Embedded, Part, encode, refuse_dimensions
from samesense.serving.forms.body import Form, check_number
from samesense.serving.forms.openai import content_parts
from samesense.serving.items import image_item, text_item
from samesense.serving.options import LimitOptions


class Input(Form):
    """One input of texts and images, which becomes one vector."""

    content: list[dict[str, Any]]
    """Content parts."""


class EmbedRequest(Form):
    """Texts, or images, or inputs of both."""

    model: str | None = None
    """Name of a model of ``/v1/models``; by default the first."""
    texts: list[str] | None = None
    """Texts."""
    images: list[str] | None = None
    """Images as data URIs."""
    inputs: list[Input] | None = None
    """Inputs of several parts."""
    embedding_types: list[Literal["float", "base64"]] = Field(default=["float"], min_length=1)
    """Forms in which vectors are wanted."""
    output_dimension: int | None = None
    """Refused: vectors cannot be cut."""

    def asked(self, *, limits: LimitOptions) -> Asked:
        """Return what is to be embedded.

        Raises:
            ApiError: if not exactly one of texts, images and inputs is given, or one is bad.
        """
        refuse_dimensions(self.output_dimension, param="output_dimension")
        given = [n for n in ("texts", "images", "inputs") if getattr(self, n) is not None]
        if len(given) != 1:
            got = ", ".join(given) or "none"
            raise bad_request(f"exactly one of texts, images, inputs is expected, got {got}")
        check_number(len(getattr(self, given[0])), limits=limits, param=given[0])
        if self.inputs is not None:
            inputs = [
                content_parts(one.content, limits=limits, param=f"inputs[{n}].content")
                for n, one in enumerate(self.inputs)
            ]
            return Asked(self.model, inputs)
        make = text_item if self.texts is not None else image_item
        params = [f"{given[0]}[{n}]" for n in range(len(getattr(self, given[0])))]
        items = [
            Part(make(value, limits=limits, param=param), param)
            for value, param in zip(getattr(self, given[0]), params, strict=True)
        ]
        return Asked(self.model, [[part] for part in items])

    def answer(self, embedded: Embedded) -> dict[str, Any]:
        """Return the vectors as Cohere's clients read them."""
        return {
            "id": str(uuid.uuid4()),
            "embeddings": {
                kind: [encode(z_D, encoding=kind) for z_D in embedded.z_ND]
                for kind in self.embedding_types
            },
            "texts": self.texts or [],
            "meta": {
                "api_version": {"version": "2"},
                "billed_units": {"input_tokens": embedded.tokens},
            },
            "model": embedded.model,
            "fingerprint": embedded.fingerprint,
        }
