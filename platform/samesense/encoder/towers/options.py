"""Options of the towers: which pretrained model, at which precision, asked how."""

from typing import ClassVar, Literal

from pydantic import Field

from samesense.core.options import Options

Precision = Literal["float32", "bfloat16", "float16"]
PromptName = Literal["none", "represent", "one_word", "semantic", "style"]
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class LoraOptions(Options):
    """Low-rank adapters beside the linear layers of a generative model's language model."""

    rank: int = Field(default=16, ge=1)
    """Width of each adapter."""
    alpha: float = Field(default=32.0, gt=0)
    """What an adapter adds is scaled by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of an adapter's inputs dropped in training."""
    targets: tuple[str, ...] = Field(default=LORA_TARGETS, min_length=1)
    """Names of the linear layers that get one: by default those of attention and perceptron."""
    layers: int | None = Field(default=None, ge=1)
    """Adapt only so many layers, counted from the last; ``null``: all."""
    gradient_checkpointing: bool = False
    """Compute the adapted layers' activations anew in the backward pass: less memory, more time."""
    weights: str | None = None
    """Folder of a trained adapter in PEFT's format; ``null``: a fresh one, which changes nothing
    until it learns."""


def is_adapter(parameter: str) -> bool:
    """Tell an adapter's parameter from a model's own by its name."""
    return ".lora_" in parameter


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
    lora: LoraOptions | None = None
    """Adapters inside the language model, trained where a stage's ``trainable`` names them."""


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
