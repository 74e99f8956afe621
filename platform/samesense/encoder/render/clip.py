"""Rendering for CLIP and SigLIP: image processor and tokenizer, no weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from samesense.core.errors import ModelError
from samesense.encoder.render.loading import load_config, load_image_processor, load_tokenizer
from samesense.encoder.render.parts import image_processor_settings, tokenizer_hash
from samesense.encoder.render.pixels import fit
from samesense.encoder.render.terms import add_terms
from samesense.encoder.towers.options import ClipTowerOptions

FAMILIES = ("clip", "siglip")


@dataclass(eq=False)
class ClipRenderer:
    """Turns pictures or texts into the tensors that a ``ClipTower`` takes. Holds no weights."""

    image_processor: Any
    tokenizer: Any
    family: str
    text_positions: int
    """The longest text that the model takes, in tokens."""
    new_terms: tuple[str, ...] = ()
    """Terms that the tokenizer did not have, in the order of their ids."""

    @classmethod
    def load(cls, options: ClipTowerOptions) -> "ClipRenderer":
        """Read image processor and tokenizer, and give the added terms a token each.

        Raises:
            ModelError: if a part does not load, the model is of another kind, or a term cannot
                become one token.
        """
        model, revision = options.model, options.revision
        config = load_config(model, revision=revision)
        if config.model_type not in FAMILIES:
            raise ModelError(
                f"{model}: a '{config.model_type}' model is no CLIP or SigLIP; "
                "a generative image-text model is a tower of kind 'mllm'"
            )
        tokenizer = load_tokenizer(model, revision=revision)
        return cls(
            image_processor=load_image_processor(model, revision=revision),
            tokenizer=tokenizer,
            family=config.model_type,
            text_positions=config.text_config.max_position_embeddings,
            new_terms=add_terms(tokenizer, terms=options.added_terms),
        )

    def prepare_images(self, images: Sequence[Image.Image]) -> dict[str, Tensor]:
        """Return ``pixel_values`` (B, 3, height, width)."""
        # The short side is brought to a fixed length: of a thin strip the long one would be huge.
        pictures = [fit(image, longest_side_px=None) for image in images]
        pixels = self.image_processor(pictures, return_tensors="pt")
        return {"pixel_values": pixels["pixel_values"]}

    def prepare_texts(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return ``input_ids`` (B, L), cut at the model's longest text, with their mask for CLIP.

        SigLIP reads its vector at the last of a fixed number of positions and attends to padding:
        every text fills them all.
        """
        is_siglip = self.family == "siglip"
        tokens = self.tokenizer(
            list(texts),
            padding="max_length" if is_siglip else True,
            padding_side="right",
            truncation=True,
            max_length=self.text_positions,
            return_tensors="pt",
        )
        names = ("input_ids",) if is_siglip else ("input_ids", "attention_mask")
        return {name: tokens[name] for name in names}

    def identity(self) -> dict[str, Any]:
        """Return all of the rendering that shapes a vector, as JSON values."""
        return {
            "text_positions": self.text_positions,
            "image_processor": image_processor_settings(self.image_processor),
            "tokenizer": tokenizer_hash(self.tokenizer),
        }

    def save(self, folder: Path) -> None:
        """Write image processor and tokenizer in the Hugging Face layout."""
        self.image_processor.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
