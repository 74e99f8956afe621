"""The recipes that come with the platform, and those that a user writes beside them."""

from importlib import resources
from pathlib import Path

from samesense.core.config import load_options
from samesense.core.errors import ConfigError, did_you_mean
from samesense.recipe.options import Recipe


def names() -> list[str]:
    """Return the names of the recipes in the library."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def find_recipe(name: str) -> Path:
    """Return the file of a library recipe, or of a recipe given by its path.

    Raises:
        ConfigError: if there is none, with the nearest name.
    """
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    path = _folder() / f"{name}.yaml"
    if not path.is_file():
        hint = did_you_mean(name, names())
        raise ConfigError(f"no recipe '{name}' in the library (has: {', '.join(names())}).{hint}")
    return path


def load_recipe(name: str) -> Recipe:
    """Return a recipe by library name or path.

    Raises:
        ConfigError: if there is none, or it is not valid.
    """
    return load_options(find_recipe(name), kind=Recipe, find_base=find_recipe)


def _folder() -> Path:
    return Path(str(resources.files("samesense.recipe"))) / "library"
