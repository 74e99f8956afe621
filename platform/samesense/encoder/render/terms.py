"""New words of a domain in a tokenizer, one token each."""

from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken

from samesense.core.errors import ModelError


def add_terms(tokenizer: Any, *, terms: Sequence[str]) -> tuple[str, ...]:
    """Add the terms that are not yet one token, and return those, in the order of their ids.

    A term is matched as a whole word and after the tokenizer's own normalisation, so that a
    tokenizer that lower-cases finds it however it is written.

    Raises:
        ModelError: naming the terms that do not become one token.
    """
    new = tuple(term for term in dict.fromkeys(terms) if not _is_one_token(tokenizer, term))
    tokenizer.add_tokens([AddedToken(term, single_word=True, normalized=True) for term in new])
    split = [repr(term) for term in new if not _is_one_token(tokenizer, term)]
    if split:
        raise ModelError(f"added_terms: do not become one token each: {', '.join(split)}")
    return new


def _is_one_token(tokenizer: Any, term: str) -> bool:
    return len(tokenizer(term, add_special_tokens=False)["input_ids"]) == 1
