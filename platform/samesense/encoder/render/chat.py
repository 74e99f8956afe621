"""One prompt as the text that a model reads, in its own chat format where it has one."""

from typing import Any

from jinja2 import TemplateError
from transformers import ProcessorMixin

from samesense.core.errors import ModelError
from samesense.encoder.prompts import Prompt

TEXT_MARK = "\u2063item\u2063"
"""Stands for the text of an item; no real text holds it."""

Part = dict[str, str]


def image_form(processor: ProcessorMixin, *, prompt: Prompt) -> str:
    """Return the text with one image placeholder in it.

    Raises:
        ModelError: if the chat template leaves the image out.
    """
    if not processor.chat_template:
        return _join(processor.image_token, prompt.of_image)
    image = {"type": "image"}
    asked = [image, _words(prompt.of_image)] if prompt.of_image else [image]
    text = _chat(processor, item=image, asked=asked, system=_system(prompt))
    if text.count(processor.image_token) != 1:
        raise ModelError("the model's chat template does not place one image in a user turn")
    return text


def text_form(processor: ProcessorMixin, *, prompt: Prompt) -> str:
    """Return the text with ``TEXT_MARK`` where an item's text goes."""
    asked = _join(TEXT_MARK, prompt.of_text)
    if not processor.chat_template:
        return asked
    item = _words(TEXT_MARK)
    return _chat(processor, item=item, asked=[_words(asked)], system=_system(prompt))


def _chat(processor: ProcessorMixin, *, item: Part, asked: list[Part], system: str) -> str:
    """Return the item with the question in the system turn, or else in the user turn."""
    if system:
        turns = [_turn("system", [_words(system)]), _turn("user", [item])]
        try:
            text = _apply(processor, turns)
        except (TemplateError, TypeError):
            text = ""  # This family's template knows no system turn.
        if system in text:
            return text
    return _apply(processor, [_turn("user", asked)])


def _apply(processor: ProcessorMixin, turns: list[dict[str, Any]]) -> str:
    text: str = processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return text


def _system(prompt: Prompt) -> str:
    return prompt.of_image if prompt.turn == "system" else ""


def _turn(role: str, content: list[Part]) -> dict[str, Any]:
    return {"role": role, "content": content}


def _words(text: str) -> Part:
    return {"type": "text", "text": text}


def _join(item: str, question: str) -> str:
    return f"{item}\n{question}" if question else item
