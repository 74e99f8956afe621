"""Configuration files: YAML to typed options, with every fault named by file, line and key.

A mapping that holds ``base: NAME`` is laid over the file of that name (mappings merge, everything
else is replaced), so that a variant states only what it changes. An override of a ``base`` chooses
the file; the others replace what files and bases have said.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import yaml

from samesense.core.errors import ConfigError, KeyPath, Places, did_you_mean, dotted
from samesense.core.options import Chosen, path_in, validate

FindBase = Callable[[str], Path]
COMMAND_LINE = Places({(): "command line"})


@dataclass(frozen=True)
class Located(Generic[Chosen]):
    """Options, and where each value was set."""

    options: Chosen
    places: Places


@dataclass
class Document:
    """A parsed file: plain values, and for each key path the ``file:line`` that set it."""

    value: Any
    places: dict[KeyPath, str]


def load_options(
    path: Path | str,
    *,
    kind: type[Chosen],
    overrides: Iterable[str] = (),
    find_base: FindBase | None = None,
) -> Chosen:
    """Read a YAML file, apply ``a.b=c`` overrides and return validated options.

    Raises:
        ConfigError: naming file, line, key and the nearest valid name of every fault.
    """
    return load_located(path, kind=kind, overrides=overrides, find_base=find_base).options


def load_located(
    path: Path | str,
    *,
    kind: type[Chosen],
    overrides: Iterable[str] = (),
    find_base: FindBase | None = None,
) -> Located[Chosen]:
    """Do as ``load_options``, and return also where each value was set.

    Raises:
        ConfigError: as ``load_options``.
    """
    parsed = [_Override.parse(override) for override in overrides]
    document = _read(Path(path))
    for override in parsed:
        if override.names_base:
            override.apply(document)
    if find_base is not None:
        _resolve_bases(document, (), find_base, above=(Path(path).resolve(),))
    for override in parsed:
        if not override.names_base:
            override.apply(document)
    places = Places(
        {at: where for at, where in document.places.items() if path_in(document.value, at) == at}
    )
    with places.locate():
        return Located(options=validate(document.value, kind=kind), places=places)


def validated(kind: type[Chosen], values: dict[str, Any]) -> Chosen:
    """Return options from values of the command line.

    Raises:
        ConfigError: if they do not fit.
    """
    with COMMAND_LINE.locate():
        return validate(values, kind=kind)


def given_options(
    path: Path | None, *, kind: type[Chosen], overrides: Iterable[str], values: Mapping[str, Any]
) -> Located[Chosen]:
    """Return options of a file, if there is one, with overrides and values of the command line.

    ``values`` are by key path; those that are None were not given.

    Raises:
        ConfigError: as ``load_options``.
    """
    document = _read(path) if path else Document(value={}, places={(): "command line"})
    for override in map(_Override.parse, overrides):
        override.apply(document)
    for told, value in values.items():
        if value is not None:
            at = _key_path(told)
            option = f"--{at[-1]}".replace("_", "-")
            _Override(told=option, at=at, value=value, places={at: option}).apply(document)
    places = Places(document.places)
    with places.locate():
        return Located(options=validate(document.value, kind=kind), places=places)


def overridden(options: Chosen, changes: Mapping[str, Any]) -> Chosen:
    """Return options with other values at some key paths; mappings of one kind merge.

    Raises:
        ConfigError: with every fault, if a path leads nowhere or a value does not fit.
    """
    document = Document(value=options.model_dump(mode="json"), places={})
    for path, value in changes.items():
        _Override(told=path, at=_key_path(path), value=value, places={}).apply(document)
    return validate(document.value, kind=type(options))


def _read(path: Path) -> Document:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    document = _parse(text, told=str(path), place=lambda line: f"{path}:{line}")
    if document.value is None:
        document = Document(value={}, places={(): f"{path}:1"})
    return document


def _parse(text: str, *, told: str, place: Callable[[int], str], at: KeyPath = ()) -> Document:
    """Make values of YAML, and write down the place of each below ``at``, given its line."""
    construction = _Construction(place)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = None if node is None else construction.value(node, at)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{told}: is not valid YAML: {error}") from None
    return Document(value=value, places=construction.places)


class _Construction:
    """Values made of YAML nodes, and the place of each."""

    def __init__(self, place: Callable[[int], str]) -> None:
        self.places: dict[KeyPath, str] = {}
        self._place = place
        self._open: list[yaml.Node] = []

    def value(self, node: yaml.Node, at: KeyPath) -> Any:
        place = self.places[at] = self._place(node.start_mark.line + 1)
        if any(node is other for other in self._open):
            raise ConfigError(f"{place}: {dotted(at)}: contains itself")
        self._open.append(node)
        try:
            return self._inside(node, at)
        except (yaml.YAMLError, ValueError) as error:
            raise ConfigError(f"{place}: {dotted(at)}: {error}") from None
        finally:
            self._open.pop()

    def _inside(self, node: yaml.Node, at: KeyPath) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*at, i)) for i, item in enumerate(node.value)]
        return yaml.SafeLoader("").construct_object(node, deep=True)

    def _mapping(self, node: yaml.MappingNode, at: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, place = str(key_node.value), self._place(key_node.start_mark.line + 1)
            if key in mapping:
                raise ConfigError(f"{place}: {dotted((*at, key))}: given twice")
            mapping[key] = self.value(value_node, (*at, key))
            self.places[(*at, key)] = place
        return mapping


def _resolve_bases(
    document: Document, at: KeyPath, find_base: FindBase, *, above: tuple[Path, ...]
) -> None:
    """Lay mappings over their bases; ``above`` are the files that are being read."""
    value = _value_at(document.value, at)
    if not isinstance(value, dict):
        return
    for key in list(value):
        _resolve_bases(document, (*at, key), find_base, above=above)
    if "base" not in value:
        return
    place = document.places[(*at, "base")]
    try:
        path = find_base(str(value.pop("base")))
        if path.resolve() in above:
            raise ConfigError(f"{path}: has itself as a base")
        base = _read(path)
        _resolve_bases(base, (), find_base, above=(*above, path.resolve()))
    except ConfigError as error:
        raise ConfigError(f"{place}: {dotted((*at, 'base'))}: {error}") from None
    merged = _merge(base.value, value)
    value.clear()
    value.update(merged)
    for below, where in base.places.items():
        document.places.setdefault((*at, *below), where)


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        if over.get("kind", base.get("kind")) != base.get("kind"):
            return over
        return {
            key: _merge(base.get(key), over[key]) if key in over else base[key] for key in base
        } | {key: over[key] for key in over if key not in base}
    return over


@dataclass(frozen=True)
class _Override:
    """A value that the command line puts in place of a file's."""

    told: str
    at: KeyPath
    value: Any
    places: Mapping[KeyPath, str]

    @classmethod
    def parse(cls, override: str) -> "_Override":
        told = f"--set {override}"
        path, equals, text = override.partition("=")
        if not equals or not path:
            raise ConfigError(f"{told}: write it as key.path=value")
        at = _key_path(path)
        document = _parse(text, told=told, place=lambda _: told, at=at)
        return cls(told=told, at=at, value=document.value, places={at: told} | document.places)

    @property
    def names_base(self) -> bool:
        return any(at[-1] == "base" for at in self.places)

    def apply(self, document: Document) -> None:
        node, last = document.value, self.at[-1]
        for part in self.at[:-1]:
            if isinstance(node, dict) and part not in node:
                node[part] = {}
            node = self._child(node, part)
        if not isinstance(node, dict | list):
            raise ConfigError(f"{self.told}: '{dotted(self.at)}' does not lead into a mapping")
        is_new = isinstance(node, dict) and last not in node
        old = None if is_new else self._child(node, last)
        node[last] = _merge(old, self.value)  # type: ignore[index]  # a list was asked by number
        document.places.update(self.places)

    def _child(self, node: Any, part: str | int) -> Any:
        try:
            return node[part]
        except (KeyError, IndexError, TypeError):
            known = [str(key) for key in node] if isinstance(node, dict) else []
            hint = did_you_mean(str(part), known)
            raise ConfigError(f"{self.told}: no '{part}' there.{hint}") from None


def _key_path(dots: str) -> KeyPath:
    return tuple(int(part) if part.isdecimal() else part for part in dots.split("."))


def _value_at(value: Any, at: KeyPath) -> Any:
    for part in at:
        value = value[part]
    return value
