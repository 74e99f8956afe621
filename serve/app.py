"""The door for Ray Serve: ``serve run serve.app:build milvus=PATH``, ``serve deploy``."""

from typing import Any

from samesense.core.options import validate
from samesense.serving.app import build_app
from samesense.serving.options import ServeOptions
from samesense.serving.run import with_models_of_index


def build(arguments: dict[str, Any]) -> Any:
    """Return the service of ``arguments``, the whole tree of its options.

    Raises:
        SamesenseError: naming the option at fault.
    """
    return build_app(with_models_of_index(validate(arguments, kind=ServeOptions)))
