"""The form of our objects, derived from the model types: which fields exist and what may stand in them.

One walk over a manifest gives every structural issue and a repaired copy that decodes: texts instead of numbers, nothing
instead of what cannot be used, and a misspelt key counted as the one that was meant. Later rules judge the repaired
object and stay silent about what was refused here.
Source: spec/api.md; spec/lint.md 2.
"""

from __future__ import annotations

import difflib
import enum
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.externalsecret import DataSource, JmesPathRule, ReplaceRule, SecretStoreRef, TemplateItem, TemplateSource
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.model.stores import ClusterExternalSecretSpec, LabelRequirement, SecretKeyRef, ServiceAccountRef

_REQUIRED: Final[Mapping[type, tuple[str, ...]]] = {
    DataSource: ("key",),
    JmesPathRule: ("path", "objectAlias"),
    ReplaceRule: ("source", "target"),
    SecretStoreRef: ("name",),
    ServiceAccountRef: ("name",),
    SecretKeyRef: ("name", "key"),
    TemplateSource: ("name", "items"),
    TemplateItem: ("key",),
    ClusterExternalSecretSpec: ("externalSecretSpec",),
    LabelRequirement: ("key", "operator"),
}
_NEVER_EMPTY: Final = frozenset(
    {
        (DataSource, "key"),
        (SecretStoreRef, "name"),
        (ServiceAccountRef, "name"),
        (SecretKeyRef, "name"),
        (SecretKeyRef, "key"),
    }
)


_LONGEST_WORD: Final = 64
_MOST_GUESSES: Final = 200  # comparing words is slow, and an object with more unknown keys is another kind of thing


class Form(enum.Enum):
    """What may stand in a place."""

    TEXT = "text"
    LIST = "a list"
    MAP = "a mapping of texts"
    STRUCT = "a mapping"
    FREE = "anything"


class Shape(msgspec.Struct):
    """One place. item: of lists; fields and required: of structs."""

    form: Form
    item: Shape | None = None
    fields: dict[str, Shape] = msgspec.field(default_factory=dict)
    required: tuple[str, ...] = ()
    never_empty: frozenset[str] = frozenset()


class IssueKind(enum.Enum):
    """Structural issues, each reported by a rule of its own."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    TYPE = "type"
    LETTER = "letter"


class ShapeIssue(msgspec.Struct, frozen=True):
    """One structural issue. path: of the member concerned, also of a missing one; is_null: it is there, but null.

    is_kept: what was written can still be used, as the text that was meant.
    """

    kind: IssueKind
    path: Path
    detail: str = ""
    near: str = ""
    is_null: bool = False
    known: tuple[str, ...] = ()
    is_kept: bool = False


TEXT: Final = Shape(Form.TEXT)
FREE: Final = Shape(Form.FREE)
TEXT_MAP: Final = Shape(Form.MAP)
_META: Final = {"name": TEXT, "namespace": TEXT, "labels": TEXT_MAP, "annotations": TEXT_MAP}
_SERVER_META: Final = (
    "clusterName",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""What exported objects bring along; nobody writes it, so its form is not looked into."""
METADATA: Final = Shape(Form.STRUCT, fields={**_META, **dict.fromkeys(_SERVER_META, FREE)}, required=("name",))


@cache
def object_shape(kind: type[KubeObject]) -> Shape:
    """Return the shape of a whole object; apiVersion, kind and status are not looked into."""
    spec = next(one for one in msgspec.structs.fields(kind) if one.name == "spec")
    fields = {"apiVersion": FREE, "kind": FREE, "metadata": FREE, "status": FREE, "spec": _shape(spec.type)}
    if kind.RESOURCE.kind == "SecretStore":
        fields["spec"] = Shape(
            Form.STRUCT, fields={key: one for key, one in fields["spec"].fields.items() if key != "conditions"}
        )
    return Shape(Form.STRUCT, fields=fields)


def _shape(kind: Any) -> Shape:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _shape(next(one for one in arguments if one is not type(None)))
    if origin is tuple:
        return Shape(Form.LIST, item=_shape(arguments[0]))
    if origin is dict:
        return TEXT_MAP if arguments[1] is str else FREE
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind)
    return TEXT


@cache
def _struct(kind: type[msgspec.Struct]) -> Shape:
    required = _REQUIRED.get(kind, ())
    return Shape(
        Form.STRUCT,
        fields={one.encode_name: _shape(one.type) for one in msgspec.structs.fields(kind)},
        required=required,
        never_empty=frozenset(name for name in required if (kind, name) in _NEVER_EMPTY),
    )


class Repair:
    """Walks one value beside a shape. issues: in the order of the text; actual: repaired path to the path as written.

    written: returns the text of a scalar as it stands in the file, empty when it is not known.
    """

    def __init__(self, written: Callable[[Path], str]) -> None:
        self._written = written
        self._guesses = 0
        self.issues: list[ShapeIssue] = []
        self.actual: dict[Path, Path] = {}

    def clean(self, value: Any, shape: Shape, path: Path) -> Any:
        """Return the repaired value."""
        match shape.form:
            case Form.TEXT:
                return value if isinstance(value, str) else self._text(value, path)
            case Form.STRUCT:
                return self._struct(value, shape, path) if isinstance(value, dict) else self._wrong(value, shape, path, {})
            case Form.LIST:
                return self._list(value, shape, path) if isinstance(value, list) else self._wrong(value, shape, path, [])
            case Form.MAP:
                return self._map(value, path) if isinstance(value, dict) else self._wrong(value, shape, path, {})
            case _:
                return value

    def _wrong(self, value: Any, shape: Shape, path: Path, instead: Any) -> Any:
        if value is not None:
            self.issues.append(ShapeIssue(IssueKind.TYPE, path, f"{_described(value)} where {shape.form.value} belongs"))
        return instead

    def _text(self, value: Any, path: Path) -> str:
        """Return the text that was meant. A plain y or n is a boolean to kubectl, and hardly ever meant as one."""
        if value is None:
            return ""
        if not isinstance(value, bool | int | float):
            self.issues.append(ShapeIssue(IssueKind.TYPE, path, f"{_described(value)} where text belongs"))
            return ""
        word = self._written(path) or (str(value).lower() if isinstance(value, bool) else str(value))
        if isinstance(value, bool) and len(word) == 1:
            self.issues.append(ShapeIssue(IssueKind.LETTER, path, word))
        else:
            kind = "boolean" if isinstance(value, bool) else "number"
            self.issues.append(ShapeIssue(IssueKind.TYPE, path, f"the {kind} {word[:64]} where text belongs", is_kept=True))
        return word

    def _list(self, value: list[Any], shape: Shape, path: Path) -> list[Any]:
        assert shape.item is not None
        nothing: dict[str, Any] | None = {} if shape.item.required else None
        return [self.clean(nothing if item is None else item, shape.item, (*path, index)) for index, item in enumerate(value)]

    def _map(self, value: dict[Any, Any], path: Path) -> dict[str, str]:
        return {
            str(key): member if type(member) is str else self._text(member, (*path, str(key))) for key, member in value.items()
        }

    def _struct(self, value: dict[Any, Any], shape: Shape, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        unknown: list[str] = []
        for key, member in value.items():
            inner = shape.fields.get(key)
            if inner is None:
                unknown.append(str(key))
            elif member is not None:
                result[key] = member if inner is TEXT and type(member) is str else self.clean(member, inner, (*path, key))
        for key in unknown:
            self._unknown(key, value.get(key), shape, path, result, value)
        for name in shape.required:
            is_unusable = isinstance(value.get(name), dict | list)  # told as a wrong type
            if name not in result or (name in shape.never_empty and result[name] == "" and not is_unusable):
                is_null = name in value
                self.issues.append(ShapeIssue(IssueKind.MISSING, (*path, name), is_null=is_null))
        return result

    def _unknown(self, key: str, member: Any, shape: Shape, path: Path, result: dict[str, Any], value: dict[Any, Any]) -> None:
        self._guesses += 1
        near = nearest(key, shape.fields) if self._guesses <= _MOST_GUESSES else ""
        self.issues.append(ShapeIssue(IssueKind.UNKNOWN, (*path, key), near=near, known=tuple(shape.fields)))
        if near and near not in value and near not in result:
            self.actual[(*path, near)] = (*path, key)
            if member is not None:
                result[near] = Repair(self._written).clean(member, shape.fields[near], (*path, near))


def _described(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return "a boolean" if isinstance(value, bool) else "a number"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "a text"


def nearest(word: str, known: Mapping[str, Any] | typing.Iterable[str], cutoff: float = 0.75) -> str:
    """Return the known word that was probably meant, letter case aside; empty when none is near."""
    if len(word) > _LONGEST_WORD:
        return ""
    lower: dict[str, str] = {}
    for one in known:
        lower.setdefault(one.lower(), one)
    found = difflib.get_close_matches(word.lower(), lower, 1, cutoff)
    return lower[found[0]] if found else ""
