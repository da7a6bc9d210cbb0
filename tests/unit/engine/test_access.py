"""The gates: selectors, regexes, conditions (access-control.md)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.engine.access import (
    InvalidConditionError,
    cross_namespace_auth_ref,
    cross_namespace_store,
    labels_of,
    match_conditions,
    regex_matches,
    selector_matches,
    store_admits,
)
from kubectl_asm.engine.lookups import Failed, Found, Missing
from kubectl_asm.errors import AccessError
from kubectl_asm.model.stores import LabelRequirement, LabelSelector, NamespaceCondition
from tests.unit.engine.worlds import obj, settings

SEED = (
    NamespaceCondition(
        LabelSelector({"kubernetes.io/metadata.name": "test"}, (LabelRequirement("environment", "In", ("dev",)),))
    ),
    NamespaceCondition(namespaces=("default",)),
    NamespaceCondition(namespace_regexes=("kube-.*",)),
)
LABELS = {"default": "prod", "test": "dev", "test2": "dev", "kube-system": "", "my-kube-x": ""}


def namespace(name):
    environment = LABELS.get(name, "")
    return obj("Namespace", name, metadata={"labels": {"environment": environment} if environment else {}})


@pytest.mark.parametrize(
    ("name", "search", "fullmatch"),
    [
        ("test", True, True),
        ("test2", False, False),
        ("default", True, True),
        ("kube-system", True, True),
        ("my-kube-x", True, False),
    ],
)
def test_the_worked_example(name, search, fullmatch):
    for mode, wanted in (("search", search), ("fullmatch", fullmatch)):
        refusal = store_admits("cs", SEED, name, Found(namespace(name)), settings(namespace_regex_mode=mode))
        assert (refusal is None) == wanted


BAD = LabelSelector(match_expressions=(LabelRequirement("env", "in", ("x",)),))


@pytest.mark.parametrize(
    ("conditions", "skip", "deny"),
    [
        ([NamespaceCondition(namespace_regexes=("[",)), NamespaceCondition(namespaces=("a",))], True, False),
        ([NamespaceCondition(namespaces=("a",), namespace_regexes=("[",))], True, True),
        ([NamespaceCondition(namespace_selector=BAD, namespaces=("a",))], False, False),
        ([NamespaceCondition(namespace_selector=BAD, namespaces=("b",)), NamespaceCondition(namespaces=("a",))], True, False),
        ([NamespaceCondition(namespace_regexes=("[", "a"))], True, False),
        ([NamespaceCondition()], False, False),
        ([NamespaceCondition(namespace_selector=LabelSelector())], True, True),
    ],
)
def test_an_invalid_element_stops_or_is_passed_over(conditions, skip, deny):
    for word, wanted in (("skip", skip), ("deny", deny)):
        assert match_conditions(conditions, "a", {}, settings(invalid_condition=word)).allowed == wanted


def test_without_conditions_the_namespace_is_not_read():
    assert store_admits("cs", (), "a", Missing(), settings()) is None


@pytest.mark.parametrize("found", [Missing(), Failed(AccessError("no", status=403))])
def test_an_unreadable_namespace_is_denied(found):
    everything = (NamespaceCondition(namespace_selector=LabelSelector()),)
    assert store_admits("cs", everything, "a", found, settings()).gate == "G3"
    assert store_admits("cs", everything, "a", found, settings(ignore_access_gates=True)) is None


def test_the_automatic_label_is_there_and_cannot_be_forged():
    forged = obj("Namespace", "a", metadata={"labels": {"kubernetes.io/metadata.name": "b"}})
    assert labels_of(forged)["kubernetes.io/metadata.name"] == "a"


KEYS, VALUES = st.sampled_from(["a", "b"]), st.sampled_from(["1", "2", ""])


@given(
    st.dictionaries(KEYS, VALUES),
    st.dictionaries(KEYS, VALUES),
    st.lists(st.tuples(KEYS, st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]), st.sets(VALUES, min_size=1))),
)
def test_a_selector_is_the_conjunction_of_its_requirements(labels, match, expressions):
    def holds(key, operator, values):
        return {
            "In": key in labels and labels[key] in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]

    requirements = tuple(
        LabelRequirement(key, operator, tuple(values) if "In" in operator else ()) for key, operator, values in expressions
    )
    wanted = match.items() <= labels.items() and all(holds(*expression) for expression in expressions)
    assert selector_matches(LabelSelector(match, requirements), labels) == wanted


@pytest.mark.parametrize(
    "requirement",
    [
        LabelRequirement("a", "In"),
        LabelRequirement("a", "NotIn"),
        LabelRequirement("a", "Exists", ("1",)),
        LabelRequirement("a", "DoesNotExist", ("1",)),
        LabelRequirement("a", "in", ("1",)),
        LabelRequirement("a", "", ()),
        LabelRequirement("", "Exists"),
        LabelRequirement("a b", "Exists"),
        LabelRequirement("x/y/z", "Exists"),
        LabelRequirement("a", "In", ("two words",)),
        LabelRequirement("a", "In", ("1", "x" * 64)),
    ],
)
def test_invalid_requirements(requirement):
    with pytest.raises(InvalidConditionError):
        selector_matches(LabelSelector(match_expressions=(requirement,)), {"a": "1"})


@pytest.mark.parametrize("pattern", ["[", "(?!a)", r"(a)\1", "a++b", "(?<=a)b", "x" * 1001, "a)(b", "^(?:a"])
def test_what_re2_does_not_have_is_invalid(pattern):
    for mode in ("search", "fullmatch"):
        with pytest.raises(InvalidConditionError):
            regex_matches(pattern, "a", settings(namespace_regex_mode=mode))


@pytest.mark.parametrize(
    ("pattern", "name", "search", "fullmatch"),
    [
        (r"^[[:alpha:]]+\z", "abc", True, True),
        ("a|ab", "ab", True, True),
        ("a|ab", "abc", True, False),
        ("", "x", True, False),
        (r"\Qa-b\E", "xa-by", True, False),
    ],
)
def test_regex_modes(pattern, name, search, fullmatch):
    assert regex_matches(pattern, name, settings()) == search
    assert regex_matches(pattern, name, settings(namespace_regex_mode="fullmatch")) == fullmatch


def test_switches_refuse_other_namespaces_only():
    closed = settings(enable_cross_namespace_secret_store=False, enable_cross_namespace_auth_ref=False)
    assert cross_namespace_store("a", "a", "s", closed) is None
    refusal = cross_namespace_store("a", "b", "s", closed)
    assert (refusal.gate, "b/s" in refusal.reason, "namespace a" in refusal.reason) == ("G1", True, True)
    assert cross_namespace_auth_ref("a", "b", "Secret x", closed).gate == "G2"
    assert cross_namespace_auth_ref("a", "a", "Secret x", closed) is None
    assert cross_namespace_store("a", "b", "s", settings()) is None
