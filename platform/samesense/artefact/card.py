"""The model card: what a person should know before using a model."""

from collections.abc import Mapping
from typing import Any

from samesense.recipe.options import Recipe

LAST = "## Use\n"
"""The heading of the card's last section."""


def model_card(recipe: Recipe, *, record: Mapping[str, Any]) -> str:
    """Return the card as Markdown, drawn from the recipe and the artefact's record."""
    towers = "\n".join(f"- `{name}`: {tower.model}" for name, tower in recipe.towers().items())
    towers += "".join(
        f"\n- `{name}` has a LoRA adapter of rank {adapter.rank} in `{adapter.weights}`"
        for name, adapter in recipe.adapted_towers().items()
    )
    scores = "\n".join(f"| {name} | {value:.4f} |" for name, value in record["metrics"].items())
    corpus = record["provenance"].get("corpus", {})
    return f"""# {recipe.name}

{recipe.summary}

Fingerprint `{record["fingerprint"]}`. Vectors of another fingerprint must not be compared with
vectors of this model.

## Towers
{towers}

## Training data
- corpus: {corpus.get("uri", "unknown")}
- held out: {corpus.get("held_out", "nothing")}
- manifest hash: {corpus.get("manifest_hash", "unknown")}
- seed: {record["provenance"].get("seed", "unknown")}

## Scores on validation items of the training domains
| metric | value |
|---|---|
{scores}

{LAST}```python
from samesense.artefact.folder import load_encoder

encoder = load_encoder("path/of/this/folder")
vectors = encoder.embed_images([image])  # (N, d) float32, unit length
```
"""


def with_section(card: str, *, name: str, section: str) -> str:
    """Return the card with a section of this name, in the place of the one it had, or before the
    last."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    block = f"{begin}\n{section.strip()}\n{end}\n"
    if begin in card and end in card:
        before, rest = card.split(begin, 1)
        return before + block.rstrip() + rest.split(end, 1)[1]
    before, last, rest = card.rpartition(LAST)
    return f"{before}{block}\n{last}{rest}" if last else f"{card.rstrip()}\n\n{block}"
