"""A pretrained model on real images, where both are present."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from samesense.artefact.folder import load_encoder
from samesense.cli.pictures import load_picture
from samesense.encoder.prompts import PROMPTS
from samesense.metrics.ranking import map_at_k

pytestmark = pytest.mark.integration
EACH = 6


def pictures(pacs: Path, domain: str) -> tuple[list[Image.Image], np.ndarray]:
    paths = [
        path
        for concept in sorted((pacs / domain).iterdir())
        for path in sorted(concept.glob("*.*"))[:EACH]
    ]
    return [load_picture(path) for path in paths], np.array([path.parent.name for path in paths])


def test_vectors_are_the_plain_models_last_hidden_state(pacs: Path, tiny_idefics3: Path) -> None:
    images, _ = pictures(pacs, "sketch")
    processor = AutoProcessor.from_pretrained(tiny_idefics3)
    plain = AutoModelForImageTextToText.from_pretrained(tiny_idefics3, dtype=torch.float32).eval()
    text = f"<image>\n{PROMPTS['semantic'].of_image}"
    expected = []
    with torch.inference_mode():
        for image in images[:5]:
            inputs = processor(images=[image], text=text, return_tensors="pt")
            states = plain(**inputs, output_hidden_states=True).hidden_states[-1]
            expected.append(torch.nn.functional.normalize(states[0, -1], dim=0).numpy())
    found = load_encoder(tiny_idefics3).embed_images(images[:5])
    assert np.allclose(found, np.stack(expected), atol=1e-4)


def test_the_same_concept_is_found_in_another_domain(pacs: Path, tiny_idefics3: Path) -> None:
    encoder = load_encoder(tiny_idefics3)
    photos, concepts = pictures(pacs, "photo")
    paintings, painted = pictures(pacs, "art_painting")
    similarity = encoder.embed_images(paintings) @ encoder.embed_images(photos).T
    relevant = painted[:, None] == concepts[None, :]
    assert map_at_k(similarity, relevant, 10) > 2 * relevant.mean()


def test_the_same_picture_has_the_same_vector_in_any_company(
    pacs: Path, tiny_idefics3: Path
) -> None:
    encoder = load_encoder(tiny_idefics3)
    images, _ = pictures(pacs, "cartoon")
    together = encoder.embed_images(images[:9])
    alone = encoder.embed_images(images[:9], images_per_forward=1)
    assert np.allclose(together, alone, atol=1e-5)
