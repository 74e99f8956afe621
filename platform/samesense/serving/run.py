"""A service for the length of a command."""

import gc
from pathlib import Path

from ray import serve

from samesense.artefact.folder import load_artefact
from samesense.core.errors import ConfigError, StoreError
from samesense.index.connection import without_credentials
from samesense.index.store import open_store
from samesense.serving.app import check_options, running_parts
from samesense.serving.guard import log_requests
from samesense.serving.http_app import build_http_app
from samesense.serving.keys import read_keys
from samesense.serving.options import ModelOptions, ServeOptions
from samesense.serving.reception import Reception, answer, listen


def with_models_of_index(options: ServeOptions) -> ServeOptions:
    """Return the options with the models that the indexes were built with, where none are named.

    Also looks whether all can be served, before any resource is asked for.

    Raises:
        StoreError: if the index cannot be opened, or names no model.
        SamesenseError: as ``check_options``.
    """
    read_keys(options.http)
    with open_store(options.milvus, must_exist=True) as store:
        served = [name for name in store.indexes() if store.release(name) is not None]
        if options.index is not None and options.index not in served:
            known = ", ".join(served) or "none"
            raise ConfigError(f"no index '{options.index}' is served (has: {known})")
        folders = {} if options.models else {name: store.model_folder(name) for name in served}
    if not options.models:
        models: dict[str, ModelOptions] = {}
        for name, folder in folders.items():
            fingerprint = load_artefact(folder).record.fingerprint
            if fingerprint not in (
                load_artefact(m.folder).record.fingerprint for m in models.values()
            ):
                models[_plain(name)] = ModelOptions(folder=str(Path(folder).absolute()))
        if not models:
            raise StoreError(
                f"{without_credentials(options.milvus)}: serves no index yet; `samesense embed` "
                "makes one"
            )
        options = options.model_copy(update={"models": models})
    check_options(options)
    return options


def run(options: ServeOptions) -> None:
    """Serve until the command is told to end; requests under way have half a minute to end.

    The options have been checked, as ``with_models_of_index`` does.

    Raises:
        SamesenseError: if the address is taken, or a part does not start.
    """
    with listen(options.http) as taken:
        serve.start(proxy_location="Disabled")
        with running_parts(options) as parts:
            app = Reception(build_http_app(parts.service(options), options))
            print(f"page    http://{options.http.host}:{options.http.port}")
            print(f"models  {', '.join(options.models)}\nCtrl-C ends it", flush=True)
            log_requests()
            gc.freeze()  # what is loaded by now stays, and is not looked through for garbage
            answer(app, taken)


def _plain(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return kept or "default"
