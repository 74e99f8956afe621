"""The error tree. Every error that a user can cause or mend is one of these.

    SamesenseError           exit code 2; the message says where, what and what to do
    ├── ConfigError          a configuration file, an option or a combination of them
    ├── CorpusError          a corpus, a manifest or a split
    ├── ModelError           a backbone that does not load or does not fit
    ├── ArtefactError        a trained model's folder
    ├── CacheError           vectors that a cache lacks or refuses
    ├── StoreError           the vector index: unreachable, locked, refusing
    │   ├── NotServedError   an index or a domain that is not there
    │   ├── OtherModelError  an index of another model than the query's
    │   └── WidthError       a query vector of another width than the index's
    ├── WriteError           a file that cannot be written where it should be
    ├── TrainingError        a run that cannot go on
    ├── BulkError            an embedding job that cannot go on
    └── StoppedError         a run that was asked to stop, and can go on; exit code 130

Anything else that escapes is a defect of the platform and shows its traceback.

An error may consist of ``Fault`` values, which say what is wrong with which value of a
configuration. Whoever knows where the values came from tells it (``Places.locate``).
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """What is wrong with one value of a configuration."""

    at: KeyPath
    """Keys and list positions that lead to the value."""
    message: str

    def __str__(self) -> str:
        return f"{dotted(self.at)}: {self.message}"


class SamesenseError(Exception):
    """Root of the errors that are shown to a user without a traceback; one line a fault."""

    exit_code = 2

    def __init__(self, *faults: Fault | str) -> None:
        """Name all that is wrong."""
        super().__init__(*faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.args)


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
    """The vector index cannot be reached, is locked, or refuses what was asked."""


class NotServedError(StoreError):
    """No index of this name is served, or it has no such domain."""


class OtherModelError(StoreError):
    """The index was built with another model than the query's."""


class WidthError(StoreError):
    """A query vector has another width than those of the index."""


class WriteError(SamesenseError, OSError):
    """A file cannot be written: no permission, no room, a folder in its place."""


class TrainingError(SamesenseError):
    """A training run cannot go on."""


class BulkError(SamesenseError):
    """An embedding job cannot go on; what it has finished is kept."""


class StoppedError(SamesenseError):
    """A run stopped because a signal asked it to."""

    exit_code = 130


@dataclass(frozen=True)
class Places:
    """Where the values of options were set: key path → ``file:line``, or the option that set it."""

    where: Mapping[KeyPath, str]

    def of(self, at: KeyPath) -> str:
        """Return the place of a value; of one that nothing sets, the place of what would hold it.

        The whole, ``()``, must have a place.
        """
        return next(self.where[at[:n]] for n in range(len(at), -1, -1) if at[:n] in self.where)

    @contextmanager
    def locate(self) -> Iterator[None]:
        """Say of every fault that is raised inside where its value was set."""
        try:
            yield
        except SamesenseError as error:
            error.args = tuple(
                f"{self.of(fault.at)}: {fault}" if isinstance(fault, Fault) else fault
                for fault in error.args
            )
            raise


@contextmanager
def blame(*at: str | int) -> Iterator[None]:
    """Say of all that goes wrong inside that it is a fault of the value at a key path.

    Faults that name a path already, as seen from that value, keep it behind this one.
    """
    try:
        yield
    except SamesenseError as error:
        error.args = tuple(
            Fault((*at, *fault.at), fault.message) if isinstance(fault, Fault) else Fault(at, fault)
            for fault in error.args
        )
        raise


def own_error(error: BaseException) -> SamesenseError | None:
    """Return the platform's own error inside what a cluster made of a worker's failure, if any."""
    cause: BaseException | None = error
    while cause is not None:
        for failure in [cause, *getattr(cause, "worker_failures", {}).values()]:
            original: Any = getattr(failure, "cause", failure)
            if isinstance(original, SamesenseError):
                return type(original)(str(original))
        cause = cause.__cause__ or cause.__context__
    return None


def dotted(at: KeyPath) -> str:
    """Return a key path as people write it."""
    return ".".join(str(part) for part in at) or "(file)"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest known name, or an empty string."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
