"""The commands and their options are a promise: a new one is added here, or not at all."""

import subprocess
import sys
from typing import Any

import pytest
import typer

from samesense.cli.main import app

PROMISED = {
    "ablate": "--config -c --set --fresh",
    "corpus scan": "uri --out -o",
    "corpus leaks": "split --corpus --out -o",
    "corpus list": "folder --layout --lists --out -o",
    "corpus split": "corpus --out -o --held-out --held-out-classes --rule --seed --train-classes "
    "--validation-classes --gallery-domain --seen-domain",
    "demo": "--corpus --backbone --out --held-out --seeds",
    "embed": "--config -c --set --model --corpus --index --milvus --cache --out --device --actors "
    "--retry-rejected --prune --fresh",
    "evaluate": "--model --corpus --protocol --variant --gallery --out --report --images "
    "--ablation --cache",
    "index build": "index --vectors --milvus --kind --set --switch",
    "index diff": "index first second --milvus --sample",
    "index list": "index --milvus",
    "index retire": "index model --milvus",
    "index switch": "index --milvus --to --back --force",
    "index verify": "index --milvus --model --out --corpus --sample --encode --least-recall",
    "index withdraw": "index domain --milvus",
    "models export": "model --out -o",
    "models list": "root",
    "models show": "model",
    "runs compare": "runs --plot",
    "runs list": "root",
    "runs show": "run --plot",
    "search": "--index --image --text --domains --limit --grid --milvus --model",
    "serve": "-c --config --set --milvus --model --host --port",
    "train": "--config -c --set --resume --fresh",
}
HEAVY = ("torch", "ray", "transformers", "deepspeed", "pymilvus", "matplotlib")


def commands(command: Any, name: str = "") -> dict[str, Any]:
    if not hasattr(command, "commands"):
        return {name: command}
    return {
        full: leaf
        for part, below in command.commands.items()
        for full, leaf in commands(below, f"{name} {part}".strip()).items()
    }


FOUND = commands(typer.main.get_command(app))


def test_commands_and_options_are_the_promised_ones() -> None:
    options = {
        name: " ".join(option for parameter in command.params for option in parameter.opts)
        for name, command in FOUND.items()
    }
    assert options == PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_help_teaches(name: str) -> None:
    command = FOUND[name]
    assert len(command.help or "") > 20
    assert all(getattr(parameter, "help", None) for parameter in command.params), name


@pytest.mark.parametrize(
    "module",
    [
        "samesense.cli.main",
        "samesense.training.options",
        "samesense.bulk.options",
        "samesense.serving.options",
    ],
)
def test_help_and_options_load_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print(*(set({HEAVY}) & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
