"""A family's own processor, built without the parts for video and sound.

The processor knows how many placeholder tokens an image takes and how to write them. Several
families' processors demand a video processor, which needs torchvision; images need none of it.
"""

from typing import Any

from transformers import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    Idefics3Processor,
    ProcessorMixin,
)
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from samesense.core.errors import ModelError
from samesense.encoder.render.loading import load_part

IMAGE_PARTS = ("image_processor", "tokenizer")


def processor_class(config: Any, *, model: str) -> type[ProcessorMixin]:
    """Return the class that renders text with images for an architecture.

    Raises:
        ModelError: if transformers knows none for it.
    """
    if (
        type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        or type(config) not in PROCESSOR_MAPPING
    ):
        raise ModelError(
            f"{model}: a '{config.model_type}' model does not answer about images; give one such "
            "as SmolVLM, Qwen2.5-VL or LLaVA-NeXT (CLIP and SigLIP are towers of kind 'clip')"
        )
    # Idefics3 writes images exactly as SmolVLM, whose own class refuses to start without video.
    is_smolvlm = config.model_type == "smolvlm"
    found: type[Any] = Idefics3Processor if is_smolvlm else PROCESSOR_MAPPING[type(config)]
    return found


def processor_settings(
    family: type[ProcessorMixin], *, model: str, revision: str | None
) -> dict[str, Any]:
    """Return what the model's folder says about its processor, the chat template included.

    Raises:
        ModelError: if the folder cannot be read.
    """
    settings, _ = load_part(family.get_processor_dict, model=model, revision=revision)
    return {name: value for name, value in settings.items() if not name.endswith("_processor")}


def build_processor(
    family: type[ProcessorMixin], *, image_processor: Any, tokenizer: Any, settings: dict[str, Any]
) -> ProcessorMixin:
    """Return the family's processor, made of the two given parts alone."""
    still: Any = type(family.__name__, (family,), {"get_attributes": classmethod(_image_parts)})
    return still.from_args_and_dict([image_processor, tokenizer], settings)


def _image_parts(_: type[ProcessorMixin]) -> list[str]:
    return list(IMAGE_PARTS)
