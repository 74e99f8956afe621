"""The one way to write options: immutable, typed, documented under each field.

``validate`` makes options of plain values and names every fault; an unknown key is answered with
the known ones. ``flat`` names the leaves of an options tree.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from samesense.core.errors import ConfigError, Fault, KeyPath, did_you_mean


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


Chosen = TypeVar("Chosen", bound=Options)


def validate(value: Any, *, kind: type[Chosen]) -> Chosen:
    """Return options made of plain values.

    Raises:
        ConfigError: with every fault and its key path.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ConfigError(*(_fault(value, e, kind) for e in error.errors())) from None


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


def path_in(value: Any, loc: tuple[str | int, ...]) -> KeyPath:
    """Keep the steps of a pydantic location that exist in the document (union tags do not)."""
    at: list[str | int] = []
    for part in loc:
        inside = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            at.append(part)
            value = value[part]
    return tuple(at)


def _fault(value: Any, error: ErrorDetails, kind: type[Options]) -> Fault:
    at, context = path_in(value, error["loc"]), error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            known = _names_at(kind, error["loc"][:-1])
            hint = did_you_mean(str(at[-1]), known) or f" Known here: {', '.join(known)}."
            return Fault(at, f"unknown key.{hint}")
        case "missing":
            return Fault((*at, error["loc"][-1]), "is required")
        case "union_tag_not_found":
            return Fault((*at, "kind"), "is required")
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            hint = did_you_mean(context["tag"], tags)
            message = f"no kind '{context['tag']}' (has: {', '.join(tags)}).{hint}"
            return Fault((*at, "kind"), message)
        case "literal_error":
            choices = [c.strip(" '") for c in context["expected"].replace(" or ", ",").split(",")]
            hint = did_you_mean(str(error["input"]), choices)
            message = f"'{error['input']}' is not one of: {', '.join(choices)}.{hint}"
            return Fault(at, message)
        case "value_error":
            return Fault(at, error["msg"].removeprefix("Value error, "))
        case _:
            return Fault(at, f"{error['msg']} (got {error['input']!r})")


def _names_at(kind: type[Options], loc: tuple[str | int, ...]) -> list[str]:
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
