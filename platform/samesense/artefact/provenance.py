"""Where an artefact comes from: enough to make it again."""

import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("samesense", "torch", "transformers", "peft", "ray", "deepspeed", "numpy", "pillow")


def provenance(*, seed: int, config: dict[str, Any], corpus: dict[str, Any]) -> dict[str, Any]:
    """Return seed, configuration, corpus, versions and time as JSON values."""
    return {
        "seed": seed,
        "config": config,
        "corpus": corpus,
        "versions": {"python": sys.version.split()[0]} | {p: _version(p) for p in PACKAGES},
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def versions() -> dict[str, str]:
    """Return the versions as a report tells them."""
    found = provenance(seed=0, config={}, corpus={})["versions"]
    return {f"version of {name}": version for name, version in found.items()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
