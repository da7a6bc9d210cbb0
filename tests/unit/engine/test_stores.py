"""Passes over stores: Ready says what is known without asking anybody, and steady state writes nothing."""

import msgspec
import pytest

from kubectl_asm.engine.admit import Admitter
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Done, Retry
from kubectl_asm.engine.stores import is_processed, plan_store, with_status
from kubectl_asm.model.objects import FINALIZER, TRIGGER_ANNOTATION
from kubectl_asm.model.stores import StoreCondition
from tests.unit.engine.worlds import NOW, cluster, cluster_store, key_refs, key_secret, obj, settings, store


def plan(one, *world, **changes):
    return plan_store(one, Admitter(References(cluster(*world)), settings(**changes), {}), NOW)


def with_meta(one, **meta):
    return msgspec.structs.replace(one, metadata=msgspec.structs.replace(one.metadata, **meta))


def ready(found):
    (condition,) = found.status.conditions
    return condition.status, condition.reason


def test_a_complete_store_is_ready_and_gets_the_finalizer():
    found = plan(store(**key_refs()), key_secret())
    assert ready(found) == ("True", "Valid")
    assert found.status.capabilities == "ReadOnly"
    assert found.status.client_generation == 1
    assert (found.outcome, found.add_finalizer, found.refusal) == (Done(None), True, None)


def test_steady_state_writes_nothing():
    one = store(**key_refs())
    one = with_meta(with_status(one, plan(one, key_secret()).status), finalizers=(FINALIZER,))
    found = plan(one, key_secret())
    assert (found.status, found.add_finalizer, found.drop_trigger, found.outcome) == (None, False, False, Done(None))


def test_a_failing_store_says_so_once_and_is_tried_again():
    one = store(**key_refs())
    found = plan(one)
    assert ready(found) == ("False", "ClientCreationFailed")
    assert isinstance(found.outcome, Retry)
    assert "Secret default/ak does not exist" in found.refusal.reason
    again = plan(with_status(one, found.status))
    assert again.status is None
    assert isinstance(again.outcome, Retry)


def test_a_repaired_store_is_ready_and_counts_a_new_client():
    one = store(**key_refs())
    found = plan(with_status(one, plan(one).status), key_secret())
    assert ready(found) == ("True", "Valid")
    assert found.status.client_generation == 1


def test_a_new_generation_is_observed_and_counts_a_new_client():
    one = with_meta(store(**key_refs()), generation=1)
    one = with_meta(with_status(one, plan(one, key_secret()).status), generation=2)
    (condition,) = plan(one, key_secret()).status.conditions
    assert condition.observed_generation == 2
    assert plan(one, key_secret()).status.client_generation == 2


def test_a_trigger_is_dropped_and_counts_a_new_client():
    one = store(**key_refs())
    one = with_status(one, plan(one, key_secret()).status)
    found = plan(with_meta(one, annotations={TRIGGER_ANNOTATION: "1"}), key_secret())
    assert found.drop_trigger
    assert found.status.client_generation == 2


def test_conditions_of_others_stay():
    one = store(**key_refs())
    foreign = StoreCondition("Audited", "True")
    one = with_status(one, msgspec.structs.replace(one.status, conditions=(foreign,)))
    assert plan(one, key_secret()).status.conditions[0] == foreign


def test_a_store_without_any_section_is_invalid():
    assert ready(plan(obj("SecretStore", "s", "default", spec={}))) == ("False", "ValidationFailed")


def test_a_reference_that_a_gate_refuses_is_invalid():
    found = plan(store(**key_refs(namespace="other")), key_secret(namespace="other"), enable_cross_namespace_auth_ref=False)
    assert ready(found) == ("False", "ValidationFailed")
    assert found.refusal.gate == "G2"


@pytest.mark.parametrize(
    "condition",
    [
        {"namespaceRegexes": ["("]},
        {"namespaceRegexes": ["x" * 1001]},
        {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Near", "values": []}]}},
        {"namespaceSelector": {"matchLabels": {"not a key": "x"}}},
    ],
)
def test_a_condition_that_nothing_can_match_is_invalid_wherever_it_stands(condition):
    """Also behind one that admits everything: nobody would notice it otherwise."""
    one = cluster_store(conditions=[{"namespaceRegexes": [".*"]}, condition], **key_refs(namespace="default"))
    found = plan(one, key_secret())
    assert ready(found) == ("False", "ValidationFailed")
    assert "conditions[1]" in found.refusal.reason


def test_a_deleted_store_is_released_and_only_by_those_who_process_deletions():
    one = with_meta(store(), deletion_timestamp="2026-03-01T12:00:00Z", finalizers=(FINALIZER,))
    for processes in (True, False):
        found = plan(one, process_deletions=processes)
        assert (found.remove_finalizer, found.status, found.outcome) == (processes, None, Done(None))
    assert not plan(with_meta(one, finalizers=("example.com/f",)), process_deletions=True).remove_finalizer


def test_what_is_out_of_scope_is_left_alone():
    assert not is_processed(store(namespace="other"), settings(watch_namespaces=("default",)))
    assert not is_processed(cluster_store(), settings(process_cluster_secret_store=False))
    found = plan(cluster_store(), process_cluster_secret_store=False)
    assert (found.status, found.add_finalizer, found.outcome) == (None, False, Done(None))


def test_no_value_of_a_secret_is_in_what_is_said():
    found = plan(store(**key_refs()), key_secret(id="LTAI-hunter2", secret=""))
    assert "hunter2" not in str(found)
