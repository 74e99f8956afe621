"""The error tree. Every error that a user can cause or mend is one of these.

    SamesenseError           exit code 2; the message says where, what and what to do
    ├── ConfigError          a configuration file, an option or a combination of them
    ├── CorpusError          a corpus, a manifest or a split
    ├── ModelError           a backbone that does not load or does not fit
    ├── ArtefactError        a trained model's folder
    ├── CacheError           vectors that a cache lacks or refuses
    ├── StoreError           the vector index: unreachable, locked, of another model
    ├── WriteError           a file that cannot be written where it should be
    └── TrainingError        a run that cannot go on

Anything else that escapes is a defect of the platform and shows its traceback.
"""

import difflib
from collections.abc import Iterable


class SamesenseError(Exception):
    """Root of the errors that are shown to a user without a traceback."""

    exit_code = 2


class ConfigError(SamesenseError):
    """A configuration is wrong; raised before any resource is asked for."""


class CorpusError(SamesenseError):
    """A corpus cannot be read, is empty, or lacks what was asked of it."""


class ModelError(SamesenseError):
    """A backbone cannot be loaded, or does not do what was asked of it."""


class ArtefactError(SamesenseError):
    """A trained model's folder is missing, incomplete or of another version."""


class CacheError(SamesenseError):
    """The vector cache lacks what was asked of it, or was given what does not belong in it."""


class StoreError(SamesenseError):
    """The vector index cannot be reached, is locked, or belongs to another model."""


class WriteError(SamesenseError, OSError):
    """A file cannot be written: no permission, no room, a folder in its place."""


class TrainingError(SamesenseError):
    """A training run cannot go on."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest known name, or an empty string."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
