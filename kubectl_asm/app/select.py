"""Which ExternalSecrets a command works on: names, label selector, namespace.

Source: spec/cli.md 1 (selection); conventions of kubectl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kubectl_asm.errors import NotFoundError, UsageError
from kubectl_asm.model.externalsecret import ExternalSecret

_PREFIXES = frozenset(
    {"externalsecret", "externalsecrets", "externalsecrets.alibabacloud.com", "externalsecret.alibabacloud.com", "es", "asmes"}
)


def _everything(_labels: Mapping[str, str]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user selected. namespace: empty for all. names: bare, without kind. has_labels: the label selector."""

    names: tuple[str, ...] = ()
    namespace: str = ""
    has_labels: Callable[[Mapping[str, str]], bool] = _everything

    def pick(self, objects: Iterable[ExternalSecret]) -> list[ExternalSecret]:
        """Return the selected objects sorted by namespace and name. Raises NotFoundError for a name that is missing."""
        chosen = [
            external
            for external in objects
            if (not self.namespace or external.namespace == self.namespace)
            and (not self.names or external.name in self.names)
            and self.has_labels(external.metadata.labels)
        ]
        missing = sorted(set(self.names) - {external.name for external in chosen})
        if missing:
            where = f" in namespace {self.namespace}" if self.namespace else ""
            raise NotFoundError(f"externalsecrets.alibabacloud.com {missing[0]!r} not found{where}", status=404)
        return sorted(chosen, key=lambda external: (external.namespace, external.name))


def parse_names(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return bare names from NAME, externalsecret/NAME and es NAME forms. Raises UsageError for another kind."""
    names: list[str] = []
    for position, argument in enumerate(arguments):
        kind, slash, name = argument.partition("/")
        if slash:
            if kind.lower() not in _PREFIXES:
                raise UsageError(f'"{kind}" is not a kind this command works on', hint="use externalsecret/NAME or just NAME")
            names.append(name)
        elif position == 0 and argument.lower() in _PREFIXES and len(arguments) > 1:
            continue
        else:
            names.append(argument)
    return tuple(dict.fromkeys(names))
