"""What only losses read: its values, its gradients, and that no vector knows of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from samesense.artefact.folder import save_artefact
from samesense.encoder.align.reverse import Reverse
from samesense.encoder.build import build_encoder, build_skeleton
from samesense.encoder.learned.prototypes import Prototypes
from samesense.encoder.learned.variances import Variances
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from tests.fixtures.tiny_models import MLLMS, draw_images

ADDED = {
    "classes": {"kind": "prototypes", "of": "concept", "count": 4},
    "domains": {"kind": "prototypes", "of": "domain", "count": 3},
    "variances": {"kind": "variances"},
    "temperature": {"kind": "temperature"},
    "reverse": {"kind": "reverse"},
    "critic": {"kind": "mlp", "hidden": 8},
}


def with_learned(plain: Recipe) -> Recipe:
    """The recipe with a critic and with everything that a loss may learn."""
    values = plain.model_dump()
    values["blocks"] |= ADDED
    way = ["backbone", "last", "align", "reverse", "critic"]
    values["views"]["critic"] = {"input": "image", "blocks": way}
    return Recipe.model_validate(values)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    return load_recipe("alignment").with_block("backbone", model=str(folder))


def test_prototypes_are_used_at_unit_length_and_learn() -> None:
    block = Prototypes(count=5, width=3)
    rows = block()
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(5))
    rows[1, 0].backward()
    assert block.rows.grad.any(dim=1).tolist() == [False, True, False, False, False]


def test_variances_start_where_they_are_told_and_stay_positive() -> None:
    block = Variances(width=3, initial=0.1)
    torch.testing.assert_close(block(), torch.full((3,), 0.1))
    with torch.no_grad():
        block.inverse_softplus.fill_(-1e4)
    assert (block() > 0).all()


def test_reversal_passes_vectors_and_turns_gradients() -> None:
    h = torch.tensor([[1.0, 2.0]], requires_grad=True)
    z = Reverse(strength=0.5)(h)
    assert torch.equal(z, h)
    (z * torch.tensor([3.0, 4.0])).sum().backward()
    assert h.grad.tolist() == [[-1.5, -2.0]]


def test_no_vector_and_no_fingerprint_knows_what_losses_learn(
    plain: Recipe, tmp_path: Path
) -> None:
    encoders = []
    for recipe in (plain, with_learned(plain)):
        torch.manual_seed(0)
        encoders.append(build_encoder(recipe))
    first, second = encoders
    assert first.fingerprint == second.fingerprint
    assert first.tower_fingerprint() == second.tower_fingerprint()
    assert set(second.learned()) == {"classes", "domains", "variances", "temperature"}
    assert second.learned()["classes"].shape == (4, 32)
    with torch.no_grad():
        second.blocks["classes"].rows.add_(1)
        second.blocks["critic"].layers[0].weight.add_(1)
    assert first.fingerprint == second.fingerprint

    back = save_artefact(
        tmp_path / "model", recipe=with_learned(plain), encoder=second, metrics={}, provenance={}
    ).encoder()
    images = draw_images(sizes=[(32, 32)])
    assert np.array_equal(back.embed_images(images), first.embed_images(images))
    assert torch.equal(back.learned()["classes"], second.learned()["classes"])


def test_a_skeleton_does_not_need_to_know_how_many_classes_there_are(plain: Recipe) -> None:
    open_recipe = with_learned(plain).with_block("classes", count=None)
    names = [name for name, _ in build_skeleton(open_recipe).blocks.named_parameters()]
    assert "classes.rows" in names
