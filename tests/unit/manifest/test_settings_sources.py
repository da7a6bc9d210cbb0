"""Order of the sources, what profiles and Deployments preset, and what is never inherited."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.settings_fields import FIELDS
from kubectl_asm.manifest.settings_sources import DeploymentFlags, EffectiveSettings, resolve_settings
from kubectl_asm.model.settings import PROFILES, ExtractStrings, Settings, profile_settings

NAME = "kube-system/ack-secret-manager"


def config(body: str) -> SourceText:
    return SourceText(".asm.yaml", f"apiVersion: kubectl-asm/v1\nkind: Config\nsettings:\n{body}".encode())


def helm(text: str) -> SourceText:
    return SourceText("values.yaml", text.encode())


def deployment(*args: str, tag: str = "") -> DeploymentFlags:
    return DeploymentFlags(NAME, ("/ack-secret-manager", *args), tag)


def resolve(**sources: Any) -> EffectiveSettings:
    return resolve_settings(**{"one_shot": True, **sources})


# --- order ------------------------------------------------------------------------------------------------------------

SOURCES: dict[str, tuple[dict[str, Any], str]] = {
    "config": ({"asm_yaml": config("  region: config\n")}, ".asm.yaml:4:3"),
    "helm": ({"helm_values": helm("command:\n  region: helm\n")}, "--helm-values values.yaml:2:3 (command.region)"),
    "deployment": ({"deployment": deployment("--region=deployment")}, f"Deployment {NAME} (--region)"),
    "environment": ({"environment": {"ASM_REGION": "environment"}}, "ASM_REGION"),
    "flag": ({"flags": {"region": "flag"}}, "--region"),
}


@given(st.sets(st.sampled_from(list(SOURCES)), min_size=1), st.booleans())
@hypothesis_settings(deadline=None)
def test_the_strongest_of_any_sources_wins_and_the_origin_names_it(names: set[str], one_shot: bool) -> None:
    chosen: dict[str, Any] = {}
    for name in names:
        chosen |= SOURCES[name][0]
    found = resolve(one_shot=one_shot, **chosen)
    strongest = max(names, key=list(SOURCES).index)
    assert found.settings.region == strongest
    assert found.origins["region"] == SOURCES[strongest][1]


@given(st.sampled_from(list(PROFILES)), st.sampled_from(["asm_yaml", "environment", "flags"]), st.booleans())
def test_a_profile_from_any_source_presets_what_nobody_gives(compat: str, source: str, one_shot: bool) -> None:
    given_as = {"asm_yaml": config(f"  compat: {compat}\n"), "environment": {"ASM_COMPAT": compat}, "flags": {"compat": compat}}
    found = resolve(one_shot=one_shot, **{source: given_as[source]})
    assert found.settings == profile_settings(compat, one_shot=one_shot)
    assert found.profile_is_decided
    for name in PROFILES[compat]:
        assert found.origins[name] == f"profile {compat}"


def test_an_explicit_value_of_the_weakest_source_beats_a_profile_of_the_strongest() -> None:
    found = resolve(asm_yaml=config("  extractJsonStrings: quoted\n"), flags={"compat": "0.6.7"})
    assert found.settings.extract_json_strings is ExtractStrings.QUOTED
    assert found.origins["extract_json_strings"] == ".asm.yaml:4:3"
    assert found.settings.replace_values


def test_nothing_given_is_the_default_profile_and_decides_nothing() -> None:
    found = resolve(one_shot=False)
    assert found.settings == Settings()
    assert set(found.origins.values()) == {"default"}
    assert set(found.origins) == {one.name for one in FIELDS}
    assert not found.profile_is_decided
    assert not found.unknown
    assert not found.warnings


def test_one_shot_presets_say_so() -> None:
    found = resolve()
    assert found.settings == profile_settings("0.6.2", one_shot=True)
    assert found.origins["sts_network"] == "default (one-shot)"


def test_the_form_of_extracted_strings_decides_the_profile_too() -> None:
    assert resolve(environment={"ASM_EXTRACT_JSON_STRINGS": "quoted"}).profile_is_decided


# --- Deployments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["v0.6.5", "0.6.6", "v0.6.7-aliyun", "v0.7.0"])
def test_a_new_controller_brings_its_data_rules(tag: str) -> None:
    found = resolve(deployment=deployment(tag=tag))
    assert found.settings.extract_json_strings is ExtractStrings.RAW
    assert found.settings.replace_values
    assert not found.settings.jmespath_document_integers
    assert found.settings.template_functions == "v0.6.7"
    assert found.settings.compat == "0.6.7"
    assert found.origins["replace_values"] == f"Deployment {NAME} (version {tag})"
    assert found.profile_is_decided


def test_an_old_controller_writes_raw_strings_as_well() -> None:
    found = resolve(deployment=deployment(tag="v0.6.2"))
    assert found.settings.extract_json_strings is ExtractStrings.RAW
    assert found.settings.compat == "0.6.2"


@pytest.mark.parametrize(("tag", "form"), [("v0.5.8", "yaml"), ("v0.6.2", "yaml"), ("v0.6.5", "json"), ("v0.6.7", "json")])
def test_a_controller_writes_lists_of_a_query_as_its_version_does(tag: str, form: str) -> None:
    assert resolve(deployment=deployment(tag=tag)).settings.jmespath_collections == form
    assert resolve().settings.jmespath_collections == "json"


@pytest.mark.parametrize("tag", ["v0.5.8", "v0.6.2", "v0.6.4", "v0.6.7"])
def test_a_version_never_decides_what_happens_after_a_failure(tag: str) -> None:
    found = resolve(deployment=deployment(tag=tag)).settings
    kept = ("missing_access_key", "sa_auth_fallback", "invalid_condition", "endpoint_policy", "cleanup_secret_on_failure")
    assert {name: getattr(found, name) for name in kept} == {name: getattr(Settings(), name) for name in kept}
    assert not found.ces_delete_by_name


@pytest.mark.parametrize(
    ("tag", "cross", "mode", "worker", "order"),
    [
        ("v0.6.2", True, "search", True, "ak-first"),
        ("v0.6.3", True, "search", True, "rrsa-first"),
        ("v0.6.4", False, "fullmatch", True, "rrsa-first"),
        ("v0.6.6", False, "fullmatch", True, "explicit"),
        ("v0.6.7", False, "search", False, "explicit"),
    ],
)
def test_identity_and_access_follow_the_version(tag: str, cross: bool, mode: str, worker: bool, order: str) -> None:
    found = resolve(one_shot=False, deployment=deployment(tag=tag)).settings
    assert found.enable_cross_namespace_secret_store is found.enable_cross_namespace_auth_ref is cross
    assert (found.namespace_regex_mode, found.enable_worker_role, found.auth_order) == (mode, worker, order)


@pytest.mark.parametrize("tag", ["", "latest", "stable-0.6.7", "v0.6"])
def test_a_tag_without_version_decides_nothing_and_is_told(tag: str) -> None:
    found = resolve(deployment=deployment("--region=x", tag=tag))
    assert not found.profile_is_decided
    assert found.settings.extract_json_strings is ExtractStrings.QUOTED
    assert any("tells no version" in text for text in found.warnings)


def test_a_profile_of_a_weaker_source_yields_to_the_version_and_a_stronger_one_does_not() -> None:
    weaker = resolve(asm_yaml=config("  compat: 0.6.2-exact\n"), deployment=deployment(tag="v0.6.7"))
    assert weaker.settings.compat == "0.6.7"
    stronger = resolve(deployment=deployment(tag="v0.6.7"), flags={"compat": "0.6.2"})
    assert stronger.settings == profile_settings("0.6.2", one_shot=True)


# --- never inherited --------------------------------------------------------------------------------------------------

CLEANUP = [
    ({"asm_yaml": config("  cleanupSecretOnFailure: true\n")}, ".asm.yaml:4:3"),
    (
        {"helm_values": helm("command: {cleanupSecretOnFailure: true}\n")},
        "--helm-values values.yaml:1:11 (command.cleanupSecretOnFailure)",
    ),
    ({"deployment": deployment("--cleanup-secret-on-failure")}, f"Deployment {NAME} (--cleanup-secret-on-failure)"),
    ({"environment": {"ASM_CLEANUP_SECRET_ON_FAILURE": "true"}}, "ASM_CLEANUP_SECRET_ON_FAILURE"),
]


@pytest.mark.parametrize(("source", "origin"), CLEANUP)
def test_one_shot_commands_never_inherit_the_deletion_of_secrets(source: dict[str, Any], origin: str) -> None:
    found = resolve(**source)
    assert not found.settings.cleanup_secret_on_failure
    assert found.origins["cleanup_secret_on_failure"] == f"default (one-shot; not inherited from {origin})"
    assert resolve(one_shot=False, **source).settings.cleanup_secret_on_failure


def test_the_command_line_switches_the_deletion_of_secrets_on() -> None:
    found = resolve(flags={"cleanup_secret_on_failure": "true"}, environment={"ASM_CLEANUP_SECRET_ON_FAILURE": "false"})
    assert found.settings.cleanup_secret_on_failure
    assert found.origins["cleanup_secret_on_failure"] == "--cleanup-secret-on-failure"


def test_one_shot_commands_do_not_take_the_worker_role_of_a_deployment() -> None:
    running = deployment("--enable-worker-role", tag="v0.6.2")
    assert not resolve(deployment=running).settings.enable_worker_role
    assert resolve(one_shot=False, deployment=running).settings.enable_worker_role
    assert resolve(deployment=running, environment={"ASM_ENABLE_WORKER_ROLE": "t"}).settings.enable_worker_role


def test_access_gates_are_lifted_by_the_command_line_only() -> None:
    found = resolve(environment={"ASM_IGNORE_ACCESS_GATES": "true"})
    assert not found.settings.ignore_access_gates
    assert found.warnings == ("ASM_IGNORE_ACCESS_GATES is ignored: --ignore-access-gates is read from the command line only",)
    assert resolve(flags={"ignore_access_gates": "true"}).settings.ignore_access_gates


def test_showing_values_is_no_setting() -> None:
    assert resolve(environment={"ASM_SHOW_VALUES": "true"}) == resolve()


# --- WATCH_NAMESPACE --------------------------------------------------------------------------------------------------


def test_watch_namespace_stands_in_when_nothing_else_is_given() -> None:
    found = resolve(environment={"WATCH_NAMESPACE": "a, b"})
    assert found.settings.watch_namespaces == ("a", "b")
    assert found.origins["watch_namespaces"] == "WATCH_NAMESPACE"


def test_watch_namespace_yields_to_every_explicit_value() -> None:
    found = resolve(asm_yaml=config("  watchNamespaces: [c]\n"), environment={"WATCH_NAMESPACE": "a"})
    assert found.settings.watch_namespaces == ("c",)


@pytest.mark.parametrize("source", [{"flags": {"compat": "0.6.7"}}, {"deployment": deployment(tag="v0.6.2")}])
def test_watch_namespace_means_nothing_to_released_controllers(source: dict[str, Any]) -> None:
    assert resolve(environment={"WATCH_NAMESPACE": "a"}, **source).settings.watch_namespaces == ()


def test_watch_namespace_in_the_helm_values_counts_and_the_environment_is_stronger() -> None:
    values = helm("env:\n  WATCH_NAMESPACE: a\n")
    assert resolve(helm_values=values).settings.watch_namespaces == ("a",)
    assert resolve(helm_values=values, environment={"WATCH_NAMESPACE": "b"}).settings.watch_namespaces == ("b",)


# --- values -----------------------------------------------------------------------------------------------------------


def test_flags_may_be_values_as_well_as_texts() -> None:
    flags = {"polling_interval": timedelta(minutes=5), "watch_namespaces": ("a", "b"), "disable_polling": True}
    found = resolve(flags=flags).settings
    assert found.polling_interval == timedelta(minutes=5)
    assert found.watch_namespaces == ("a", "b")
    assert found.disable_polling is True
