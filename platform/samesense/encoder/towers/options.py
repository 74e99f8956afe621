"""Options of the towers: which pretrained model, at which precision, asked how."""

from typing import ClassVar, Literal

from pydantic import Field

from samesense.core.options import Options

Precision = Literal["float32", "bfloat16", "float16"]
PromptName = Literal["none", "represent", "one_word", "semantic", "style"]


class MllmTowerOptions(Options):
    """A generative image-text model of Hugging Face; gives the states of its last layer."""

    takes: ClassVar[str] = "item"
    gives: ClassVar[str] = "tokens"
    kind: Literal["mllm"]
    model: str
    """A folder, or a hub id such as HuggingFaceTB/SmolVLM-256M-Instruct."""
    revision: str | None = None
    """Branch, tag or commit of a hub id; a commit makes a run repeatable."""
    prompt: PromptName = "semantic"
    """What the model is asked about the image, see ``encoder/prompts.py``."""
    precision: Precision = "float32"
    """Number format of weights and activations."""
    longest_side_px: int | None = Field(default=None, ge=16)
    """Larger images are shrunk to this side first, which bounds the number of image tokens.
    Without it the model's own image processor decides."""


class ClipTowerOptions(Options):
    """A CLIP or SigLIP dual encoder; gives projected vectors of images and texts."""

    takes: ClassVar[str] = "item"
    gives: ClassVar[str] = "vector"
    kind: Literal["clip"]
    model: str
    """A folder, or a hub id such as openai/clip-vit-base-patch32."""
    revision: str | None = None
    """Branch, tag or commit of a hub id."""
    added_terms: tuple[str, ...] = ()
    """Words of the domain that get a token and an embedding row of their own."""
    precision: Precision = "float32"
    """Number format of weights and activations."""
