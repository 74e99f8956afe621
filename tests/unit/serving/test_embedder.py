"""The process that holds a model, without Ray around it."""

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from samesense.artefact.folder import Artefact
from samesense.core.errors import SamesenseError
from samesense.serving.errors import ApiError
from samesense.serving.items import Picture, Text
from samesense.serving.options import ForwardOptions, LimitOptions
from samesense.serving.rendering import Renderings, render
from samesense.serving.replicas import embedder
from samesense.serving.replicas.embedder import Embedder, Moved, Vectored
from tests.fixtures.trained_models import write_model

TOLERANCE = 1e-5
TEXTS = ["a dog", "a cat", "a house of many words"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artefact, Artefact]:
    place = tmp_path_factory.mktemp("models")
    first, second = (
        write_model(place / f"model{seed}", backbone=place / "backbone", seed=seed)
        for seed in (0, 1)
    )
    return first, second


def rendered(model: Artefact, *items: Text | Picture) -> Renderings:
    names = [f"input[{n}]" for n in range(len(items))]
    return render(items, params=names, model=str(model.folder), limits=LimitOptions())


def texts(model: Artefact) -> Renderings:
    return rendered(model, *(Text(words) for words in TEXTS))


async def holding(model: Artefact) -> Embedder:
    process = Embedder(ForwardOptions(items_per_forward=2), "cpu")
    await process.reconfigure({"folder": str(model.folder)})
    return process


def test_a_bad_item_is_refused_and_its_neighbours_get_their_vectors(
    models: tuple[Artefact, Artefact],
) -> None:
    async def main() -> None:
        process = await holding(models[0])
        given = rendered(models[0], Text(TEXTS[0]), Picture(b"no image"), Text(TEXTS[1]))
        found = await process.embed(given, models[0].record.fingerprint)
        assert isinstance(found, Vectored)
        first, bad, last = found.items
        assert isinstance(bad, ApiError)
        assert (bad.status, bad.param) == (415, "input[1]")
        expected = models[0].encoder().embed_texts(TEXTS[:2])
        np.testing.assert_allclose([first, last], expected, atol=TOLERANCE)
        assert found.tokens[1] == 0 < found.tokens[0]

    asyncio.run(main())


def test_calls_before_and_after_a_change_get_vectors_of_the_model_they_name(
    models: tuple[Artefact, Artefact],
) -> None:
    async def main() -> None:
        process = await holding(models[0])
        other = models[1].record.fingerprint
        moved = await process.embed(texts(models[0]), other)
        assert isinstance(moved, Moved)
        assert moved.description.fingerprint == models[0].record.fingerprint
        await process.reconfigure({"folder": str(models[1].folder)})
        answers = await asyncio.gather(
            *(process.embed(texts(one), one.record.fingerprint) for one in models)
        )
        for model, answer in zip(models, answers, strict=True):
            assert isinstance(answer, Vectored)
            expected = model.encoder().embed_texts(TEXTS)
            np.testing.assert_allclose(np.stack(answer.items), expected, atol=TOLERANCE)

    asyncio.run(main())


def test_a_model_that_does_not_load_leaves_the_one_in_use_and_is_told(
    models: tuple[Artefact, Artefact], tmp_path: Path
) -> None:
    async def main() -> None:
        with pytest.raises(SamesenseError):
            await Embedder(ForwardOptions(), "cpu").reconfigure({"folder": str(tmp_path)})
        process = await holding(models[0])
        await process.reconfigure({"folder": str(tmp_path)})
        description = await process.describe()
        assert description.fingerprint == models[0].record.fingerprint
        assert "does not load" in str(description.fault)
        assert str(tmp_path) not in str(description.fault)  # callers are told it
        found = await process.embed(texts(models[0]), description.fingerprint)
        assert isinstance(found, Vectored)
        await process.reconfigure({"folder": str(models[1].folder)})
        assert (await process.describe()).fault is None

    asyncio.run(main())


def test_health_is_a_forward_and_one_that_never_ends_is_none(
    models: tuple[Artefact, Artefact], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        process = await holding(models[0])
        await process.check_health()
        process._thread.submit(time.sleep, 0.5)
        under_way = asyncio.create_task(
            process.embed(texts(models[0]), models[0].record.fingerprint)
        )
        await asyncio.sleep(0.05)
        await process.check_health()  # busy, and not for long
        monkeypatch.setattr(embedder, "STUCK_S", 0.0)
        with pytest.raises(RuntimeError, match="has not ended"):
            await process.check_health()
        assert isinstance(await under_way, Vectored)
        await process.check_health()

    asyncio.run(main())
