"""From a listed row to the bytes of its image, or to the reason why there are none."""

from samesense.core.errors import ConfigError, CorpusError
from samesense.corpus.decode import DecodeLimits, Rejected
from samesense.corpus.reading import read_bytes
from samesense.corpus.sources.row import Row


def read_row(row: Row, *, limits: DecodeLimits) -> bytes | Rejected:
    """Return a row's bytes, one byte more than the limit at most.

    Raises:
        CorpusError: if the store that should have them cannot be used at all.
    """
    if row.fault is not None:
        return row.fault
    try:
        return read_bytes(row.uri, at_most_bytes=limits.max_bytes + 1, span=row.span)
    except CorpusError:
        raise
    except FileNotFoundError:
        return Rejected("missing", "no such file")
    except OSError as error:
        return Rejected("unreadable", error.strerror or str(error))
    except (ValueError, ConfigError) as error:  # no path at all, or a scheme that is not supported
        return Rejected("unreadable", str(error))
