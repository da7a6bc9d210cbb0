"""Tier by tier: who wins under which order, and what makes every tier impossible (auth.md 2 to 5, 10)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.engine.identity import (
    AuthInputs,
    IdentityConfigurationError,
    choose,
    derive_provider,
    environment_inputs,
    session_seconds,
)
from kubectl_asm.model.backend import ErrorClass, Identity, Refusal, RoleHop, Tier
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import AuthOrder
from tests.unit.engine.worlds import settings

ROLE, REMOTE, ARN = "acs:ram::1:role/r", "acs:ram::2:role/x", "acs:ram::1:oidc-provider/p"
T1, T2, T3, T4, T5 = Tier.SERVICE_ACCOUNT, Tier.TOKEN_FILE, Tier.AK_ASSUME_ROLE, Tier.AK, Tier.WORKER_ROLE
PAIR = {"key_id": SecretBytes(b"id"), "key_secret": SecretBytes(b"sk")}
ACCOUNT = {"service_account": ("ns", "app")}


def tier(changes=None, **inputs):
    choice = choose(AuthInputs(**inputs), settings(**(changes or {})), origin="SecretStore ns/s")
    return choice.identity.tier if choice.identity else choice.refusal.error_class


@pytest.mark.parametrize(
    ("inputs", "worker", "explicit", "ak_first", "rrsa_first"),
    [
        ({"role_arn": ROLE, "oidc_provider_arn": ARN}, True, T2, T2, T2),  # row 1
        ({**PAIR, "role_arn": ROLE}, False, T3, T3, T3),  # row 2
        ({**PAIR, "role_arn": ROLE, "oidc_provider_arn": ARN, "derived": True}, False, T3, T3, T2),  # row 3
        ({**PAIR, "role_arn": ROLE, "oidc_provider_arn": ARN}, False, T2, T3, T2),  # row 4
        ({**ACCOUNT, "role_arn": ROLE, "oidc_provider_arn": ARN, "derived": True}, False, T1, T1, T1),  # row 5
        ({**ACCOUNT, "role_arn": ROLE}, True, *[ErrorClass.CONFIGURATION] * 3),  # row 6
        ({**ACCOUNT, "oidc_provider_arn": ARN}, True, *[ErrorClass.REFERENCE] * 3),  # row 7, annotation empty
        ({}, True, T5, T5, T5),  # row 8
        ({}, False, *[ErrorClass.NO_CREDENTIALS] * 3),  # row 9
        ({"role_arn": ROLE, "oidc_provider_arn": ARN, "derived": True, "key_id": PAIR["key_id"]}, True, T2, T2, T2),
        ({**ACCOUNT, **PAIR, "role_arn": ROLE, "oidc_provider_arn": ARN}, False, T1, T1, T1),  # row 13
        (PAIR, True, T4, T4, T4),
        ({**PAIR, "oidc_provider_arn": ARN}, False, T4, T4, T4),
        ({"key_id": PAIR["key_id"], "role_arn": ROLE}, False, *[ErrorClass.NO_CREDENTIALS] * 3),
    ],
)
def test_the_order_decides(inputs, worker, explicit, ak_first, rrsa_first):
    for order, wanted in ((AuthOrder.EXPLICIT, explicit), (AuthOrder.AK_FIRST, ak_first), (AuthOrder.RRSA_FIRST, rrsa_first)):
        assert tier({"auth_order": order, "enable_worker_role": worker}, **inputs) is wanted


@given(
    st.fixed_dictionaries({}, optional={"role_arn": st.just(ROLE), "oidc_provider_arn": st.just(ARN), "derived": st.booleans()}),
    st.sampled_from([{}, PAIR, {"key_id": PAIR["key_id"]}, ACCOUNT, {**ACCOUNT, **PAIR}]),
    st.sampled_from(list(AuthOrder)),
    st.booleans(),
)
def test_one_tier_or_one_refusal_and_a_verdict_on_every_tier_that_was_looked_at(role, keys, order, worker):
    choice = choose(AuthInputs(**role, **keys), settings(auth_order=order, enable_worker_role=worker), origin="environment")
    assert (choice.identity is None) != (choice.refusal is None)
    used = [verdict.tier for verdict in choice.chain if verdict.used]
    assert used == ([choice.identity.tier] if choice.identity else [])
    if choice.identity:
        assert {verdict.tier for verdict in choice.chain} == set(Tier) - {Tier.LOCAL}
    if "service_account" in keys:
        assert choice.identity is None or choice.identity.tier is T1


def test_without_the_old_fallback_a_service_account_never_leads_anywhere_else():
    for role, arn, worker in itertools.product(("", ROLE), ("", ARN), (True, False)):
        found = tier({"enable_worker_role": worker}, **ACCOUNT, **PAIR, role_arn=role, oidc_provider_arn=arn)
        assert found is T1 if role and arn else found in (ErrorClass.REFERENCE, ErrorClass.CONFIGURATION)


def test_the_old_fallback_leads_to_the_worker_role_only():
    chain = {"sa_auth_fallback": "chain"}
    assert tier({**chain, "enable_worker_role": True}, **ACCOUNT, **PAIR) is T5
    assert tier({**chain, "enable_worker_role": False}, **ACCOUNT, **PAIR) is ErrorClass.NO_CREDENTIALS


@pytest.mark.parametrize(("worker", "kind"), [(True, Identity), (False, Refusal)])
def test_a_refused_token_has_a_fallback_only_where_it_is_asked_for(worker, kind):
    inputs = AuthInputs(**ACCOUNT, role_arn=ROLE, oidc_provider_arn=ARN)
    plain = choose(inputs, settings(enable_worker_role=worker), origin="")
    chained = choose(inputs, settings(enable_worker_role=worker, sa_auth_fallback="chain"), origin="")
    assert plain.identity.fallback is None
    assert isinstance(chained.identity.fallback, kind)


def test_default_session_names():
    inputs = AuthInputs(**PAIR, role_arn=ROLE, remote_role_arn=REMOTE)
    identity = choose(inputs, settings(), origin="").identity
    assert (identity.session_name, identity.hop) == ("ack-secret-manager", RoleHop(REMOTE, "ack-secret-manager"))
    old = choose(inputs, settings(default_session_name=""), origin="").identity
    assert (old.tier, old.hop) == (T4, None)


@pytest.mark.parametrize(("switch", "name"), [("", "mine"), ("fixed", "ack-secret-manager")])
def test_session_name_of_the_token_file_tier(switch, name):
    inputs = AuthInputs(role_arn=ROLE, oidc_provider_arn=ARN, session_name="mine")
    assert choose(inputs, settings(oidc_session_name=switch), origin="").identity.session_name == name


@pytest.mark.parametrize(
    "configured", ["acs:ram::1:oidc-provider/p", "acs:ram:cn-beijing:1:oidc-provider/own", "acs:ram::5:oidc-provider/ack-rrsa-c"]
)
def test_a_well_formed_provider_is_kept_and_never_counts_as_derived(configured):
    assert derive_provider(configured, settings(cluster_id="c", uid="5")) == (configured, False, "")


@pytest.mark.parametrize(
    "configured", ["", "bad", "acs:ram::me:oidc-provider/x", "acs:ram::1:oidc-provider/", f"{ARN}/y", f"x{ARN}"]
)
def test_everything_else_is_replaced_when_it_can_be(configured):
    derived, is_derived, note = derive_provider(configured, settings(cluster_id="c", uid="5"))
    assert (derived, is_derived, bool(note)) == ("acs:ram::5:oidc-provider/ack-rrsa-c", True, bool(configured))
    assert derive_provider(configured, settings(uid="5")) == (configured, False, "")


@pytest.mark.parametrize("uid", ["1", "+1", "-5", "9223372036854775807", "-9223372036854775808", "0" * 6000 + "7"])
def test_numbers_that_are_account_ids(uid):
    assert derive_provider("", settings(cluster_id="c", uid=uid))[1]


@pytest.mark.parametrize(
    "uid", ["x", "1_0", " 1", "1 ", "1.0", "0x1", "٣", "9223372036854775808", "-9223372036854775809", "9" * 6000]
)
def test_texts_that_are_none(uid):
    with pytest.raises(IdentityConfigurationError, match="--uid"):
        derive_provider("", settings(cluster_id="c", uid=uid))


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("900", 900), ("43200", 43200), ("1h30m", 5400), ("12h", 43200)])
def test_session_lengths(text, seconds):
    assert session_seconds(text, settings()) == seconds


@pytest.mark.parametrize("text", ["899", "43201", "12h1s", "15", "1", "1.5h1ms", "-1h", "abc", "1 h", "9" * 400, "٩٠٠"])
def test_session_lengths_that_are_refused(text):
    with pytest.raises(IdentityConfigurationError):
        session_seconds(text, settings())
    assert session_seconds(text, settings(session_expiration=False)) is None


def test_empty_variables_are_absent_and_line_breaks_go():
    inputs = environment_inputs({"ACCESS_KEY_ID": "id\n", "SECRET_ACCESS_KEY": "\n", "ALICLOUD_ROLE_ARN": ""}, settings())
    assert inputs.key_id == SecretBytes(b"id")
    assert (inputs.key_secret, inputs.role_arn, len(inputs.notes)) == (None, "", 2)
    exact = environment_inputs({"ACCESS_KEY_ID": "id\n"}, settings(trim_access_keys=False))
    assert exact.key_id == SecretBytes(b"id\n")


def test_the_environment_names_the_token_file_where_the_profile_lets_it():
    variables = {"ALICLOUD_OIDC_TOKEN_FILE": "/t"}
    assert environment_inputs(variables, settings()).token_file == "/t"
    assert environment_inputs(variables, settings(environment_token_file=False)).token_file.endswith("/ack-secret-manager")
