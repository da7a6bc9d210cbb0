"""What a Kubernetes API server refuses, as far as objects of this program can meet it.

Pure functions from objects to problem texts, used by the memory adapter (and so by render, the directory cluster and
tests). Texts are the server's, except that offending values are three stars: they may be rendered from secrets. The
contract suite compares them with a real kube-apiserver.
Source: Kubernetes apimachinery validation; core/v1 Secret validation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from kubectl_asm.errors import AccessError, AlreadyExistsError, ConflictError, NotFoundError, RejectedError
from kubectl_asm.model.objects import API_VERSION, KubeObject, Secret
from kubectl_asm.model.sensitive import MASK, SecretBytes

MAX_SECRET_BYTES = 1024 * 1024
MAX_ANNOTATION_BYTES = 256 * 1024

_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")

_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_NAME_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def check_object(obj: KubeObject) -> None:
    """Raise RejectedError when the object could not be stored."""
    problems = list(_metadata_problems(obj))
    if isinstance(obj, Secret):
        problems += _secret_problems(obj)
    _refuse(obj, problems)


def check_change(old: KubeObject, new: KubeObject) -> None:
    """Raise RejectedError when old may not become new."""
    problems = list(_metadata_change_problems(old, new))
    if isinstance(old, Secret) and isinstance(new, Secret):
        problems += _secret_change_problems(old, new)
    _refuse(new, problems)


def _refuse(obj: KubeObject, problems: list[str]) -> None:
    if problems:
        text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise RejectedError(f'{_qualified_kind(obj)} "{obj.name}" is invalid: {text}', status=422, reason="Invalid")


def _qualified_kind(obj: KubeObject) -> str:
    group, _, version = obj.RESOURCE.api_version.partition("/")
    return f"{obj.RESOURCE.kind}.{group}" if version else obj.RESOURCE.kind


def _metadata_problems(obj: KubeObject) -> Iterator[str]:
    if not obj.name:
        yield "metadata.name: Required value: name or generateName is required"
        return
    if problem := _subdomain_problem(obj.name):
        yield f"metadata.name: Invalid value: {MASK}: {problem}"
    for key, value in sorted(obj.metadata.labels.items()):
        yield from (f"metadata.labels: Invalid value: {MASK}: {problem}" for problem in _key_problems(key))
        yield from (f"metadata.labels: Invalid value: {MASK}: {problem}" for problem in label_value_problems(value))
    for key in sorted(obj.metadata.annotations):
        yield from (f"metadata.annotations: Invalid value: {MASK}: {problem}" for problem in _key_problems(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in obj.metadata.annotations.items()) > MAX_ANNOTATION_BYTES:
        yield f"metadata.annotations: Too long: may not be more than {MAX_ANNOTATION_BYTES} bytes"
    for finalizer in obj.metadata.finalizers:
        if "/" not in finalizer and obj.RESOURCE.api_version != API_VERSION:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield f"metadata.finalizers: Invalid value: {MASK}: {text}"


def _subdomain_problem(name: str) -> str:
    if len(name) > 253:
        return "must be no more than 253 characters"
    return "" if _SUBDOMAIN.fullmatch(name) else _SUBDOMAIN_TEXT


def _key_problems(key: str) -> Iterator[str]:
    """Yield what is wrong with a qualified name (label or annotation key)."""
    prefix, slash, name = key.rpartition("/")
    if key.count("/") > 1:
        yield (
            "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        )
        return
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif slash and (problem := _subdomain_problem(prefix)):
        yield f"prefix part {problem}"
    if not name:
        yield "name part must be non-empty"
    elif len(name) > 63:
        yield "name part must be no more than 63 bytes"
    if not _QUALIFIED.fullmatch(name):
        yield _NAME_TEXT


def label_value_problems(value: str) -> Iterator[str]:
    """Yield what is wrong with a label value."""
    if len(value) > 63:
        yield "must be no more than 63 bytes"
    if not _LABEL_VALUE.fullmatch(value):
        yield _VALUE_TEXT


def data_key_problem(key: str) -> str:
    """Return what is wrong with a key of a Secret or ConfigMap, empty when nothing is."""
    if len(key) > 253:
        return "must be no more than 253 characters"
    if not _KEY.fullmatch(key):
        return _KEY_TEXT
    if key in (".", ".."):
        return f"must not be '{key}'"
    return "must not start with '..'" if key.startswith("..") else ""


def _secret_problems(secret: Secret) -> list[str]:
    problems = [f"data[{key}]: Invalid value: {MASK}: {text}" for key in sorted(secret.data) if (text := data_key_problem(key))]
    if sum(len(value.reveal()) for value in secret.data.values()) > MAX_SECRET_BYTES:
        problems.append(f"data: Too long: may not be more than {MAX_SECRET_BYTES} bytes")
    check = _TYPE_RULES.get(secret.type)
    return [*problems, *(check(secret) if check else ())]


def _required(*keys: str) -> Callable[[Secret], Iterable[str]]:
    return lambda secret: [f"data[{key}]: Required value" for key in keys if key not in secret.data]


def _json_document(key: str) -> Callable[[Secret], Iterable[str]]:
    def problems(secret: Secret) -> Iterator[str]:
        if key not in secret.data:
            yield f"data[{key}]: Required value"
        elif not _is_json(secret.data[key]):
            yield f"data[{key}]: Invalid value: {MASK}: the value is not valid JSON"

    return problems


def _is_json(value: SecretBytes) -> bool:
    try:
        return isinstance(json.loads(value.reveal()), dict)
    except ValueError:
        return False


def _basic_auth(secret: Secret) -> Iterator[str]:
    if not {"username", "password"} & secret.data.keys():
        yield "data[username]: Required value"
        yield "data[password]: Required value"


def _service_account_token(secret: Secret) -> Iterator[str]:
    if not secret.metadata.annotations.get("kubernetes.io/service-account.name"):
        yield "metadata.annotations[kubernetes.io/service-account.name]: Required value"


_TYPE_RULES: Mapping[str, Callable[[Secret], Iterable[str]]] = {
    "kubernetes.io/tls": _required("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": _required("ssh-privatekey"),
    "kubernetes.io/dockercfg": _json_document(".dockercfg"),
    "kubernetes.io/dockerconfigjson": _json_document(".dockerconfigjson"),
    "kubernetes.io/basic-auth": _basic_auth,
    "kubernetes.io/service-account-token": _service_account_token,
}


def _metadata_change_problems(old: KubeObject, new: KubeObject) -> Iterator[str]:
    added = [name for name in new.metadata.finalizers if name not in old.metadata.finalizers]
    if old.metadata.is_deleting and added:
        names = ", ".join(f'"{name}"' for name in added)
        yield (
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{names}}}"
        )


def _secret_change_problems(old: Secret, new: Secret) -> Iterator[str]:
    if new.type != old.type:
        yield f"type: Invalid value: {MASK}: field is immutable"
    if old.immutable and not new.immutable:
        yield "immutable: Forbidden: field is immutable when `immutable` is set"
    if old.immutable and new.data != old.data:
        yield "data: Forbidden: field is immutable when `immutable` is set"


def not_found(kind: type[KubeObject], name: str) -> NotFoundError:
    """Return the server's answer for an absent object."""
    return NotFoundError(f'{kind.RESOURCE.full_name} "{name}" not found', status=404, reason="NotFound")


def already_exists(obj: KubeObject) -> AlreadyExistsError:
    """Return the server's answer to a second create."""
    text = f'{obj.RESOURCE.full_name} "{obj.name}" already exists'
    return AlreadyExistsError(text, status=409, reason="AlreadyExists")


def stale(obj: KubeObject) -> ConflictError:
    """Return the server's answer to a write with an old resourceVersion."""
    text = (
        f'Operation cannot be fulfilled on {obj.RESOURCE.full_name} "{obj.name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return ConflictError(text, status=409, reason="Conflict")


def version_required(obj: KubeObject) -> RejectedError:
    """Return the server's answer to an update without resourceVersion. It lets one pass for Secrets; this program never does."""
    problem = f"metadata.resourceVersion: Invalid value: {MASK}: must be specified for an update"
    text = f'{_qualified_kind(obj)} "{obj.name}" is invalid: {problem}'
    return RejectedError(text, status=422, reason="Invalid")


def replaced(obj: KubeObject, actual_uid: str) -> ConflictError:
    """Return the server's answer to a write meant for an object of the same name that is gone."""
    text = (
        f'Operation cannot be fulfilled on {obj.RESOURCE.kind} "{obj.name}": the UID in the precondition '
        f"({obj.metadata.uid}) does not match the UID in record ({actual_uid}). "
        "The object might have been deleted and then recreated"
    )
    return ConflictError(text, status=409, reason="Conflict")


def namespace_terminating(obj: KubeObject) -> AccessError:
    """Return the server's answer to a create in a namespace that is being deleted."""
    text = (
        f'{obj.RESOURCE.full_name} "{obj.name}" is forbidden: unable to create new content in namespace '
        f"{obj.namespace} because it is being terminated"
    )
    return AccessError(text, status=403, reason="Forbidden")
