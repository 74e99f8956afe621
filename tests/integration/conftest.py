"""What integration tests share: a small corpus and recipe, and an index of either kind."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from samesense.index.store import Store, open_store
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS
from tests.integration.milvus_server import milvus_server
from tests.integration.serving import FRIEND, Indexed, serving, write_indexes


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four concepts in three domains, twelve images each."""
    return write_patterns(tmp_path_factory.mktemp("corpus"), concepts=4, domains=3, each=12)


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory, ray_cluster: None) -> Recipe:
    """The core method on a tiny MLLM, twelve items a step."""
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    recipe = load_recipe("alignment").with_block("backbone", model=str(folder))
    sizes = {"concepts_per_step": 3, "images_per_concept_and_domain": 2}
    sampler = recipe.stages[0].sampler.model_copy(update=sizes)
    stage = recipe.stages[0].model_copy(update={"sampler": sampler})
    return recipe.model_copy(update={"stages": (stage,)})


@pytest.fixture(scope="session")
def server_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Milvus server."""
    with milvus_server(tmp_path_factory.mktemp("milvus")) as uri:
        yield uri


@pytest.fixture(
    scope="session", params=["lite", pytest.param("server", marks=pytest.mark.integration)]
)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """An open index: Milvus Lite, then a server."""
    if request.param == "lite":
        uri = str(tmp_path_factory.mktemp("lite") / "index.db")
    else:
        uri = request.getfixturevalue("server_uri")
    with open_store(uri) as opened:
        yield opened


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    """Two models, and an index of each over the same pictures."""
    return write_indexes(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def service_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command of ``service`` prints."""
    return tmp_path_factory.mktemp("service") / "output.txt"


@pytest.fixture(scope="session")
def service(indexed: Indexed, service_output: Path) -> Iterator[str]:
    """The address of a service of both, by the command."""
    options = ["--set", "limits.items=16", "--set", f'http.allowed_origins=["{FRIEND}"]']
    with serving("--milvus", indexed.milvus, *options, output=service_output) as address:
        yield address


@pytest.fixture
def index() -> str:
    """The name of an index that no other test uses."""
    return f"index {uuid.uuid4().hex}"
