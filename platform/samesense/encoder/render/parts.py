"""Identity of the parts of a rendering: equal for a copy in another folder, else different."""

import json
from typing import Any

from samesense.core.hashing import hash_json

BOOKKEEPING = {"processor_class", "_processor_class", "transformers_version", "_name_or_path"}


def tokenizer_hash(tokenizer: Any) -> str:
    """Return the hash of a tokenizer's rules, vocabulary and added tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return hash_json({"vocabulary": tokenizer.get_vocab()})
    rules = json.loads(backend.to_str())
    # Both are set anew by every call.
    rules.pop("padding", None)
    rules.pop("truncation", None)
    return hash_json(rules)


def image_processor_settings(image_processor: Any) -> dict[str, Any]:
    """Return the settings of an image processor as plain JSON values."""
    settings = json.loads(image_processor.to_json_string())
    return {name: value for name, value in settings.items() if name not in BOOKKEEPING}
