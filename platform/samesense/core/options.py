"""The one way to write options: immutable, typed, documented under each field.

``names_at`` walks an options tree, so that an unknown key can be answered with the known ones;
``flat`` names the leaves of one.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of every options class. Unknown keys are refused, values never change."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )


def flat(values: Any, *, at: str = "") -> dict[str, Any]:
    """Return dotted key → value of a tree of mappings and lists, such as options as JSON.

    An empty mapping or list is a value.
    """
    if isinstance(values, Mapping) and values:
        below: Iterable[tuple[Any, Any]] = values.items()
    elif isinstance(values, list | tuple) and values:
        below = enumerate(values)
    else:
        return {at: values}
    return {
        key: leaf
        for name, value in below
        for key, leaf in flat(value, at=f"{at}.{name}" if at else str(name)).items()
    }


def names_at(kind: type[Options], loc: tuple[str | int, ...]) -> list[str]:
    """Return the field names that are valid at a pydantic error location."""
    candidates: list[Any] = [kind]
    for part in loc:
        candidates = [below for candidate in candidates for below in _step(candidate, part)]
    return sorted({name for found in candidates for name in _field_names(found)})


def _members(annotation: Any) -> list[Any]:
    """Flatten aliases, annotations, optionals and unions into their members."""
    if hasattr(annotation, "__value__"):
        return _members(annotation.__value__)
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (dict, list, tuple, Literal) or isinstance(annotation, type):
        return [annotation]
    return [member for argument in get_args(annotation) for member in _members(argument)]


def _step(annotation: Any, part: str | int) -> list[Any]:
    found: list[Any] = []
    for member in _members(annotation):
        arguments = get_args(member)
        if get_origin(member) is dict:
            found.append(arguments[1])
        elif get_origin(member) in (list, tuple):
            found.append(arguments[0])
        elif isinstance(member, type) and issubclass(member, Options):
            if part in member.model_fields:
                found.append(member.model_fields[str(part)].annotation)
            elif part in _kinds(member):
                found.append(member)
    return found


def _kinds(options: type[Options]) -> tuple[Any, ...]:
    field = options.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def _field_names(annotation: Any) -> list[str]:
    return [
        name
        for member in _members(annotation)
        if isinstance(member, type) and issubclass(member, Options)
        for name in member.model_fields
    ]
