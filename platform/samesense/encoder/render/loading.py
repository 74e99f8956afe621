"""Opening a pretrained model's parts, with every failure told in words that help.

Remote code is never run: a model whose code is not in transformers is refused.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer
from transformers.utils import logging as transformers_logging

from samesense.core.errors import ModelError, did_you_mean

# Its bars for reading files would write over the platform's own progress.
transformers_logging.disable_progress_bar()

Loaded = TypeVar("Loaded")


def load_part(
    load: Callable[..., Loaded], *, model: str, revision: str | None, **options: Any
) -> Loaded:
    """Call a ``from_pretrained`` for a folder or hub id.

    Raises:
        ModelError: naming the model, the cause and what to do.
    """
    path = Path(model).expanduser()
    if _means_folder(model) and not path.is_dir():
        raise ModelError(f"{model}: {_missing_folder(path)}")
    if path.is_dir() and not (path / "config.json").is_file():
        raise ModelError(
            f"{model}: the folder holds no config.json, so it is no Hugging Face model"
        )
    try:
        return load(
            str(path) if path.is_dir() else model,
            revision=revision,
            trust_remote_code=False,
            **options,
        )
    except Exception as error:
        raise ModelError(f"{model}: {_explain(error, is_folder=path.is_dir())}") from error


def load_config(model: str, *, revision: str | None) -> Any:
    """Return the model's configuration, which names its architecture.

    Raises:
        ModelError: if there is none.
    """
    return load_part(AutoConfig.from_pretrained, model=model, revision=revision)


def load_tokenizer(model: str, *, revision: str | None) -> Any:
    """Return the model's tokenizer, padding on the left.

    Raises:
        ModelError: if it does not load, or has no token to pad with.
    """
    tokenizer = load_part(
        AutoTokenizer.from_pretrained, model=model, revision=revision, padding_side="left"
    )
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise ModelError(f"{model}: its tokenizer has neither a padding nor an end token")
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_image_processor(model: str, *, revision: str | None) -> Any:
    """Return the model's image processor in its Pillow form.

    The torchvision form resizes differently; to take one form everywhere keeps an installed
    torchvision from changing vectors.

    Raises:
        ModelError: if it does not load.
    """
    return load_part(
        AutoImageProcessor.from_pretrained, model=model, revision=revision, backend="pil"
    )


def _means_folder(model: str) -> bool:
    return model.startswith((".", "/", "~")) or model.count("/") != 1 or Path(model).exists()


def _missing_folder(path: Path) -> str:
    if path.exists():
        return "is a file; give the folder that holds config.json and the weights"
    siblings = [folder.name for folder in path.parent.glob("[!.]*/")]
    return (
        f"no such folder.{did_you_mean(path.name, siblings)} "
        "Give a folder with config.json and weights, or a hub id like owner/name"
    )


def _explain(error: Exception, *, is_folder: bool) -> str:
    text = " ".join(str(error).split())
    if "trust_remote_code" in text:
        return (
            "needs code of its own, which is never run here; "
            "choose a model whose architecture transformers knows"
        )
    if isinstance(error, ValueError) and "Unrecognized configuration class" in text:
        return "is another kind of model than this tower takes (its architecture does not fit)"
    if isinstance(error, ValueError) and ("Unrecognized model" in text or "model type" in text):
        return f"its architecture is unknown to this version of transformers: {text[:300]}"
    if not is_folder and isinstance(error, OSError):
        return (
            "is not a folder here, and the model hub did not give it "
            f"(name, revision, access rights or network): {text[:300]}"
        )
    return f"does not load: {type(error).__name__}: {text[:400]}"
