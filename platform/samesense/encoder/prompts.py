"""What a generative model is asked, so that its next-token state becomes the item's vector.

Sources: ``one_word`` is the prompt of E5-V (Jiang et al. 2024, arXiv 2407.12580); ``represent`` is
the default instruction of Qwen3-VL-Embedding (2026), given in the system turn. ``semantic`` asks to
look past the visual style; ``style`` asks for nothing else and is a control that must hurt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from samesense.encoder.towers.options import PromptName


@dataclass(frozen=True)
class Prompt:
    """One question in two forms; an empty form means that nothing is asked."""

    of_image: str
    """Asked after an image."""
    of_text: str
    """Asked after a text, so that texts and images meet in one space."""
    turn: Literal["user", "system"] = "user"
    """Where a model with a chat template reads it; without one it follows the item."""


PROMPTS: Mapping[PromptName, Prompt] = MappingProxyType(
    {
        "none": Prompt(of_image="", of_text=""),
        "represent": Prompt(
            of_image="Represent the user's input.",
            of_text="Represent the user's input.",
            turn="system",
        ),
        "one_word": Prompt(
            of_image="Summary above image in one word:",
            of_text="Summary above sentence in one word:",
        ),
        "semantic": Prompt(
            of_image=(
                "Ignoring drawing style, medium, colour and background, "
                "name the main object in this image in one word:"
            ),
            of_text="Name the main object in this sentence in one word:",
        ),
        "style": Prompt(
            of_image="Ignoring what is shown, name the artistic style of this image in one word:",
            of_text="Name the artistic style in this sentence in one word:",
        ),
    }
)
