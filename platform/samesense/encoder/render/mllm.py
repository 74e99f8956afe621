"""Rendering for generative image-text models: image processor, tokenizer and prompt, no weights."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor
from transformers import ProcessorMixin

from samesense.encoder.prompts import PROMPTS, Prompt
from samesense.encoder.render.chat import TEXT_MARK, image_form, text_form
from samesense.encoder.render.loading import load_config, load_image_processor, load_tokenizer
from samesense.encoder.render.parts import image_processor_settings, tokenizer_hash
from samesense.encoder.render.pixels import bound_tiles, fit
from samesense.encoder.render.processor import build_processor, processor_class, processor_settings
from samesense.encoder.towers.options import MllmTowerOptions

LONGEST_TEXT_TOKENS = 256


@dataclass(eq=False)
class MllmRenderer:
    """Turns pictures or texts into the tensors that an ``MllmTower`` takes.

    Cheap to build and to send to another process: it holds no weights.
    """

    image_processor: Any
    tokenizer: Any
    family: type[ProcessorMixin]
    settings: dict[str, Any]
    """What the model's folder says about its processor, the chat template included."""
    prompt: Prompt
    longest_side_px: int | None

    @classmethod
    def load(cls, options: MllmTowerOptions) -> "MllmRenderer":
        """Read image processor, tokenizer and settings from the model's folder or hub id.

        Raises:
            ModelError: if one of them does not load, or the model takes no images.
        """
        model, revision = options.model, options.revision
        family = processor_class(load_config(model, revision=revision), model=model)
        tokenizer = load_tokenizer(model, revision=revision)
        settings = processor_settings(family, model=model, revision=revision)
        settings["chat_template"] = settings.get("chat_template") or tokenizer.chat_template
        image_processor = load_image_processor(model, revision=revision)
        bound_tiles(image_processor, longest_side_px=options.longest_side_px)
        return cls(
            image_processor=image_processor,
            tokenizer=tokenizer,
            family=family,
            settings=settings,
            prompt=PROMPTS[options.prompt],
            longest_side_px=options.longest_side_px,
        )

    def prepare_images(self, images: Sequence[Image.Image]) -> dict[str, Tensor]:
        """Return the tensors of one sequence an image: the image, then the prompt.

        ``input_ids`` and ``attention_mask`` are (B, L), padded on the left. ``pixel_values`` leads
        with B, except in the Qwen-VL families: there it is (patches of all images, patch values),
        cut by ``image_grid_thw`` (B, 3).
        """
        pictures = [fit(image, longest_side_px=self.longest_side_px) for image in images]
        texts = [self.image_form] * len(pictures)
        rendered = self.processor(images=pictures, text=texts, **self._padding(self.image_form))
        if "pixel_attention_mask" in rendered:
            # As int64 it would be the larger half of what a decoding worker sends.
            rendered["pixel_attention_mask"] = rendered["pixel_attention_mask"].bool()
        return dict(rendered)

    def prepare_texts(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return ``input_ids`` and ``attention_mask`` (B, L) of texts, each with the prompt.

        Control tokens written in a text are taken out, and a text is cut after 256 tokens, so that
        the prompt always stays whole.
        """
        rendered = [self.text_form.replace(TEXT_MARK, self._clean(text)) for text in texts]
        tokens = self.tokenizer(rendered, **self._padding(self.text_form))
        return {name: tokens[name] for name in ("input_ids", "attention_mask")}

    def identity(self) -> dict[str, Any]:
        """Return all of the rendering that shapes a vector, as JSON values."""
        return {
            "image_form": self.image_form,
            "text_form": self.text_form,
            "longest_side_px": self.longest_side_px,
            "image_processor": image_processor_settings(self.image_processor),
            "tokenizer": tokenizer_hash(self.processor.tokenizer),
        }

    def save(self, folder: Path) -> None:
        """Write image processor, tokenizer and settings in the Hugging Face layout."""
        self.processor.save_pretrained(folder)

    @cached_property
    def processor(self) -> ProcessorMixin:
        """The family's own processor, without video."""
        return build_processor(
            self.family,
            image_processor=self.image_processor,
            tokenizer=self.tokenizer,
            settings=self.settings,
        )

    @cached_property
    def image_form(self) -> str:
        """What the model reads for an image, with one placeholder."""
        return image_form(self.processor, prompt=self.prompt)

    @cached_property
    def text_form(self) -> str:
        """What the model reads for a text, with a mark in its place."""
        return text_form(self.processor, prompt=self.prompt)

    @cached_property
    def _control_tokens(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.tokenizer.get_added_vocab())) or r"(?!)")

    def _clean(self, text: str) -> str:
        plain = self._control_tokens.sub(" ", text).strip()
        cut = self.tokenizer(
            plain, add_special_tokens=False, truncation=True, max_length=LONGEST_TEXT_TOKENS
        )
        if len(cut["input_ids"]) < LONGEST_TEXT_TOKENS:
            return plain
        return str(self.tokenizer.decode(cut["input_ids"])).strip()

    def _padding(self, form: str) -> dict[str, Any]:
        begin = self.tokenizer.bos_token
        return {
            "padding": True,
            "padding_side": "left",
            "return_tensors": "pt",
            "add_special_tokens": not (begin and form.startswith(begin)),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the processor: its class is made here and has no importable name."""
        return {name: value for name, value in vars(self).items() if name != "processor"}
