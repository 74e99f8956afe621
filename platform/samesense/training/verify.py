"""Proof that training changed exactly the parameters that the stage declares."""

import re
from collections.abc import Iterable, Mapping

from torch import nn

from samesense.core.errors import ConfigError, TrainingError


def declare_trainable(module: nn.Module, *, patterns: Iterable[str]) -> list[str]:
    """Let gradients into the parameters that match, freeze the others, and return the matches.

    Modules that hold parameters but no trainable one go to evaluation mode, so a frozen tower's
    dropout stays off, and that of a module that learns acts.

    Raises:
        ConfigError: if a pattern matches no parameter.
    """
    names = [name for name, _ in module.named_parameters()]
    declared: set[str] = set()
    for pattern in patterns:
        matched = [name for name in names if re.fullmatch(pattern, name)]
        if not matched:
            shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            raise ConfigError(f"trainable: '{pattern}' matches no parameter (has: {shown})")
        declared.update(matched)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in declared)
    _set_modes(module)
    return [name for name in names if name in declared]


def _set_modes(module: nn.Module) -> None:
    module.train(any(p.requires_grad for p in module.parameters()))
    for part in module.children():
        if any(True for _ in part.parameters()):
            _set_modes(part)


def verify_changed(
    *, before: Mapping[str, str], after: Mapping[str, str], declared: Iterable[str]
) -> None:
    """Compare hashes from before and after training with the declared names.

    Raises:
        TrainingError: if a frozen parameter changed, or a declared one did not.
    """
    expected = set(declared)
    changed = {name for name in before if before[name] != after[name]}
    if leaked := sorted(changed - expected):
        raise TrainingError(f"parameters changed that the stage freezes: {', '.join(leaked[:8])}")
    if idle := sorted(expected - changed):
        raise TrainingError(
            f"parameters did not change although the stage trains them: {', '.join(idle[:8])}; "
            "no loss reaches them, or the learning rate is too small for their precision"
        )
