"""The three gates: who may use which store, and which references a store may follow.

G1: an ExternalSecret and a SecretStore of another namespace. G2: a SecretStore and a ServiceAccount or Secret of
another namespace. G3: the conditions of a ClusterSecretStore. Pure.
Source: spec/access-control.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from kubectl_asm.engine.lookups import Found, Lookup
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.model.backend import ErrorClass, Refusal
from kubectl_asm.model.objects import Namespace
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import LabelRequirement, LabelSelector, NamespaceCondition

NAME_LABEL: Final = "kubernetes.io/metadata.name"
MAX_REGEX_LENGTH: Final = 1000

_NAME_PART = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)


class Verdict(msgspec.Struct, frozen=True):
    """Whether a namespace is admitted, and which rule said so."""

    allowed: bool
    rule: str
    invalid: bool = False


class InvalidConditionError(ValueError):
    """A label selector or regex that cannot be evaluated."""


def cross_namespace_store(namespace: str, store_namespace: str, store: str, settings: Settings) -> Refusal | None:
    """Return the refusal of gate G1, None when the store may be used."""
    if store_namespace == namespace or settings.enable_cross_namespace_secret_store or settings.ignore_access_gates:
        return None
    reason = (
        f"SecretStore {store_namespace}/{store} may not be used from namespace {namespace}: cross-namespace stores are"
        " disabled (--enable-cross-namespace-secret-store)"
    )
    return Refusal(ErrorClass.ACCESS, reason, "G1")


def cross_namespace_auth_ref(store_namespace: str, ref_namespace: str, what: str, settings: Settings) -> Refusal | None:
    """Return the refusal of gate G2 for one reference of a SecretStore. what: kind and name for the sentence."""
    if ref_namespace == store_namespace or settings.enable_cross_namespace_auth_ref or settings.ignore_access_gates:
        return None
    reason = (
        f"{what} of namespace {ref_namespace} may not be used from namespace {store_namespace}:"
        " cross-namespace references are disabled (--enable-cross-namespace-auth-ref)"
    )
    return Refusal(ErrorClass.ACCESS, reason, "G2")


def store_admits(
    store: str, conditions: Sequence[NamespaceCondition], namespace: str, found: Lookup[Namespace], settings: Settings
) -> Refusal | None:
    """Return the refusal of gate G3, None when the ClusterSecretStore admits the namespace."""
    if not conditions or settings.ignore_access_gates:
        return None
    if not isinstance(found, Found):
        reason = f"ClusterSecretStore {store}: namespace {namespace} cannot be read, so its conditions cannot be checked"
        return Refusal(ErrorClass.ACCESS, reason, "G3")
    verdict = match_conditions(conditions, namespace, labels_of(found.obj), settings)
    if verdict.allowed:
        return None
    reason = f"ClusterSecretStore {store} does not allow namespace {namespace}: {verdict.rule}; see its spec.conditions"
    return Refusal(ErrorClass.ACCESS, reason, "G3")


def labels_of(namespace: Namespace) -> Mapping[str, str]:
    """Return a namespace's labels with the automatic name label."""
    return {**namespace.metadata.labels, NAME_LABEL: namespace.name}


def match_conditions(
    conditions: Sequence[NamespaceCondition], name: str, labels: Mapping[str, str], settings: Settings
) -> Verdict:
    """Return the verdict of a condition list: the first hit admits, a bad element that is reached refuses."""
    for position, condition in enumerate(conditions):
        try:
            rule = _match_condition(condition, name, labels, settings)
        except InvalidConditionError as error:
            return Verdict(False, f"conditions[{position}]: {error}", invalid=True)
        if rule:
            return Verdict(True, f"conditions[{position}].{rule}")
    return Verdict(False, "no condition matches")


def check_conditions(conditions: Sequence[NamespaceCondition], settings: Settings) -> None:
    """Raise InvalidConditionError for the first selector or regex that cannot be evaluated, whatever it would be asked."""
    for position, condition in enumerate(conditions):
        try:
            if condition.namespace_selector is not None:
                selector_matches(condition.namespace_selector, {})
            for pattern in condition.namespace_regexes:
                regex_matches(pattern, "", settings)
        except InvalidConditionError as error:
            raise InvalidConditionError(f"conditions[{position}]: {error}") from None


def _match_condition(condition: NamespaceCondition, name: str, labels: Mapping[str, str], settings: Settings) -> str:
    """Return the field that hit, empty for none. Raises InvalidConditionError."""
    skip = settings.invalid_condition == "skip"
    if condition.namespace_selector is not None:
        try:
            if selector_matches(condition.namespace_selector, labels):
                return "namespaceSelector"
        except InvalidConditionError:
            if skip:
                return ""  # the old code passed over the rest of such a condition
            raise
    if name in condition.namespaces:
        return "namespaces"
    for pattern in condition.namespace_regexes:
        try:
            if regex_matches(pattern, name, settings):
                return "namespaceRegexes"
        except InvalidConditionError:
            if not skip:
                raise
    return ""


def regex_matches(pattern: str, name: str, settings: Settings) -> bool:
    """Return whether a namespace regex hits a name. Raises InvalidConditionError."""
    if len(pattern) > MAX_REGEX_LENGTH:
        raise InvalidConditionError(f"namespaceRegexes: a pattern longer than {MAX_REGEX_LENGTH} characters")
    try:
        regex = compile_regex(f"^(?:{pattern})$" if settings.namespace_regex_mode == "fullmatch" else pattern)
        if settings.namespace_regex_mode == "fullmatch":
            compile_regex(pattern)
    except RegexError:
        raise InvalidConditionError(f'namespaceRegexes: "{pattern[:64]}" is not a valid RE2 expression') from None
    return regex.matches(name)


def selector_matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Return whether every requirement of a selector holds. Raises InvalidConditionError for a bad one, hit or not."""
    for key, value in selector.match_labels.items():
        _check_label(key, value)
    for requirement in selector.match_expressions:
        _check_requirement(requirement)
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _requirement_holds(requirement, labels) for requirement in selector.match_expressions
    )


def _check_label(key: str, value: str) -> None:
    if not is_label_key(key):
        raise InvalidConditionError(f'namespaceSelector: "{key[:64]}" is no label key')
    if not is_label_value(value):
        raise InvalidConditionError(f'namespaceSelector: "{value[:64]}" is no label value')


def _check_requirement(requirement: LabelRequirement) -> None:
    if requirement.operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        raise InvalidConditionError(f'namespaceSelector: unknown operator "{requirement.operator[:64]}"')
    needs_values = requirement.operator in ("In", "NotIn")
    if needs_values != bool(requirement.values):
        need = "needs at least one value" if needs_values else "takes no values"
        raise InvalidConditionError(f"namespaceSelector: operator {requirement.operator} {need}")
    for value in requirement.values or ("",):
        _check_label(requirement.key, value)


def _requirement_holds(requirement: LabelRequirement, labels: Mapping[str, str]) -> bool:
    present = requirement.key in labels
    match requirement.operator:
        case "In":
            return present and labels[requirement.key] in requirement.values
        case "NotIn":
            return not present or labels[requirement.key] not in requirement.values
        case "Exists":
            return present
        case _:
            return not present


def is_label_key(key: str) -> bool:
    """Return whether a text is a label or annotation key in Kubernetes syntax."""
    prefix, slash, name = key.rpartition("/")
    if slash and not (0 < len(prefix) <= 253 and _SUBDOMAIN.fullmatch(prefix)):
        return False
    return bool(_NAME_PART.fullmatch(name))


def is_label_value(value: str) -> bool:
    """Return whether a text is a label value in Kubernetes syntax."""
    return not value or bool(_NAME_PART.fullmatch(value))
