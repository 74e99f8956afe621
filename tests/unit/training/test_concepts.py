"""Views of concepts: the same vectors from a cache as from the tower, row k for label k."""

import numpy as np
import pytest
import torch

from samesense.artefact.folder import Artefact, save_artefact
from samesense.encoder.build import build_encoder
from samesense.encoder.encoder import Encoder
from samesense.recipe.load import load_recipe
from samesense.training.concepts import embed_names
from samesense.training.module import ViewsModule
from samesense.training.sources import view_source
from samesense.training.verify import declare_trainable
from tests.fixtures.tiny_models import MLLMS

NAMES = [f"name {'x' * n}" for n in range(35)]


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    folder = tmp_path_factory.mktemp("model")
    MLLMS["idefics3"](folder / "backbone")
    recipe = load_recipe("alignment").with_block("backbone", model=str(folder / "backbone"))
    torch.manual_seed(0)
    return save_artefact(
        folder / "model",
        recipe=recipe,
        encoder=build_encoder(recipe),
        metrics={},
        provenance={},
    )


def module(encoder: Encoder, artefact: Artefact, *, trainable: str) -> ViewsModule:
    """The concept view alone, as a stage with these parameters reads it."""
    stage = artefact.recipe.stages[0].model_copy(update={"trainable": (trainable,)})
    names = declare_trainable(encoder.blocks, patterns=stage.trainable)
    source = view_source(artefact.recipe, stage=stage, view="names", parameters=names)
    if source.kind == "cached":
        vectors = embed_names(str(artefact.folder), "names", NAMES, False)
        concepts = {source.key: torch.from_numpy(vectors)}
    else:
        concepts = {source.key: encoder.blocks["backbone"].prepare_texts(NAMES)}
    return ViewsModule(encoder, sources={"names": source}, concepts=concepts)


def test_a_frozen_tower_runs_once_and_gives_what_it_gives_live(artefact: Artefact) -> None:
    cached = module(artefact.aligner(), artefact, trainable=r"align\..*")
    live = module(artefact.encoder(), artefact, trainable=r"backbone\..*norm.*")
    frozen, learned = cached({})["names"], live({})["names"]
    assert frozen.shape == (35, 32)
    torch.testing.assert_close(frozen, learned, atol=1e-5, rtol=1e-5)
    learned.square().sum(dim=0)[0].backward()
    assert any(p.grad is not None and p.grad.any() for p in live.parameters())


def test_rows_are_in_the_order_of_the_names(artefact: Artefact) -> None:
    vectors = embed_names(str(artefact.folder), "names", NAMES, False)
    turned = embed_names(str(artefact.folder), "names", NAMES[::-1], False)
    assert np.allclose(vectors, turned[::-1], atol=1e-5)
    assert not np.allclose(vectors, turned, atol=1e-2)
