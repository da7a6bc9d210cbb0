"""The failure table of an object is what the failure contract answers, scenario by scenario."""

import pytest

from kubectl_asm.engine.admit import Admitter
from kubectl_asm.engine.contract import Action
from kubectl_asm.engine.failure_table import ALL_FAIL, failure_table
from kubectl_asm.engine.forecast import deletion
from kubectl_asm.engine.lookups import Found, Missing, References
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.objects import FINALIZER
from tests.unit.engine.worlds import cluster, obj, settings

KEYS = {"ACCESS_KEY_ID": "i", "SECRET_ACCESS_KEY": "s"}


def table(spec, environment=KEYS, **changes):
    external = obj("ExternalSecret", "demo", "default", spec=spec)
    admissions = Admitter(References(cluster()), settings(**changes), environment).admit(external, Provider.KMS)
    return {(row.scenario, row.cleanup): row for row in failure_table(external, admissions, settings(**changes))}


def test_a_failing_data_entry_keeps_its_old_key_only():
    row = table({"data": [{"key": "a", "name": "u"}, {"key": "b", "name": "p"}]})["data[1] fails", False]
    assert (row.action, row.writes, row.retains, row.retains_all) == (Action.MERGE, ("u",), ("p",), False)


def test_a_failing_extract_keeps_everything_that_is_there():
    row = table({"data": [{"key": "a"}], "dataProcess": [{"extract": {"key": "doc"}}]})["dataProcess[0] fails", False]
    assert (row.action, row.writes, row.retains_all) == (Action.MERGE, ("a",), True)


def test_what_depends_on_a_value_is_written_as_open():
    row = table({"data": [{"key": "a"}], "dataProcess": [{"extract": {"key": "doc"}}]})["data[0] fails", False]
    assert (row.action, row.writes, row.open, row.retains) == (Action.MERGE, (), True, ("a",))


def test_a_query_keeps_its_aliases_and_the_key_of_its_fallback():
    entry = {"key": "q", "jmesPath": [{"path": "x", "objectAlias": "one"}, {"path": "y", "objectAlias": "two"}]}
    assert table({"data": [{"key": "a"}, entry]})["data[1] fails", False].retains == ("one", "q", "two")


@pytest.mark.parametrize(("cleanup", "action"), [(False, Action.SKIP), (True, Action.DELETE)])
def test_when_all_fail_only_the_flag_deletes(cleanup, action):
    assert table({"data": [{"key": "a"}]})[ALL_FAIL, cleanup].action is action


def test_a_template_writes_from_complete_data_only():
    rows = table({"data": [{"key": "a"}, {"key": "b"}], "target": {"template": {"data": {"x": "{{ .a }}"}}}})
    assert {row.action for row in rows.values()} == {Action.SKIP, Action.DELETE}


def test_a_twin_that_fails_is_covered_by_the_other_one():
    row = table({"data": [{"key": "k"}, {"key": "k"}]})["data[0] fails", False]
    assert (row.action, row.retains) == (Action.MERGE, ())


def test_a_refused_entry_fails_in_every_scenario():
    rows = table({"data": [{"key": "a"}, {"key": "b", "secretStoreRef": {"name": "gone"}}]})
    assert rows["as it is", False].failing == ("data[1]",)
    assert all("data[1]" in row.failing for row in rows.values())


def external(**metadata):
    return obj("ExternalSecret", "demo", "default", metadata=metadata, spec={"data": [{"key": "a"}]})


def test_deleting_takes_the_secret_with_it_unless_it_belongs_to_somebody_else():
    owned = external(finalizers=[FINALIZER])
    secret = obj("Secret", "demo", "default")
    assert deletion(owned, Found(secret)).removes is True
    assert deletion(owned, Missing()).removes is False
    assert deletion(owned, None).removes is None
    other = {"kind": "Release", "name": "r", "uid": "1", "apiVersion": "x/v1", "controller": True}
    kept = deletion(owned, Found(obj("Secret", "demo", "default", metadata={"ownerReferences": [other]})))
    assert (kept.removes, "controlled by Release r" in kept.reason) == (False, True)


def test_without_a_finalizer_the_page_says_that_the_secret_may_stay():
    assert "no finalizer" in deletion(external(), None).reason
