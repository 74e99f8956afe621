"""``POST /v1/multimodalembeddings``: Voyage's form."""

from typing import Any, Literal

from samesense.serving.forms.asked import Asked, Embedded, encode, refuse_dimensions, refuse_dtype
from samesense.serving.forms.body import Form, check_number
from samesense.serving.forms.cohere import Input
from samesense.serving.forms.openai import content_parts
from samesense.serving.options import LimitOptions


class MultimodalRequest(Form):
    """Inputs of texts and images, each of which becomes one vector."""

    model: str | None = None
    """Name of a model of ``/v1/models``; by default the first."""
    inputs: list[Input]
    """Inputs; their parts are ``text``, ``image_url`` or ``image_base64``."""
    output_encoding: Literal["base64"] | None = None
    """``base64`` is of little-endian float32; by default numbers."""
    output_dimension: int | None = None
    """Refused: vectors cannot be cut."""
    output_dtype: str | None = None
    """``float``; others are refused."""

    def asked(self, *, limits: LimitOptions) -> Asked:
        """Return what is to be embedded.

        Raises:
            ApiError: if it is nothing, too much, or of no known form.
        """
        refuse_dimensions(self.output_dimension, param="output_dimension")
        refuse_dtype(self.output_dtype, param="output_dtype")
        check_number(len(self.inputs), limits=limits, param="inputs")
        inputs = [
            content_parts(one.content, limits=limits, param=f"inputs[{n}].content")
            for n, one in enumerate(self.inputs)
        ]
        return Asked(self.model, inputs)

    def answer(self, embedded: Embedded) -> dict[str, Any]:
        """Return the vectors as Voyage's clients read them."""
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": encode(z_D, encoding=self.output_encoding or "float"),
            }
            for index, z_D in enumerate(embedded.z_ND)
        ]
        return {
            "object": "list",
            "data": data,
            "model": embedded.model,
            "fingerprint": embedded.fingerprint,
            "usage": {
                "text_tokens": embedded.tokens,
                "image_pixels": 0,
                "video_pixels": 0,
                "total_tokens": embedded.tokens,
            },
        }
