"""Every source alone: forms of values, places of mistakes, retired names."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

import kubectl_asm
from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.settings_fields import BY_NAME, FIELDS, Kind, SettingValueError, format_value, parse_text, wanted
from kubectl_asm.manifest.settings_schema import config_schema
from kubectl_asm.manifest.settings_sources import DeploymentFlags, EffectiveSettings, resolve_settings
from kubectl_asm.model.settings import Settings

HEAD = "apiVersion: kubectl-asm/v1\nkind: Config\n"


def of_config(text: str) -> EffectiveSettings:
    return resolve_settings(one_shot=False, asm_yaml=SourceText(".asm.yaml", text.encode()))


def of_helm(text: str) -> EffectiveSettings:
    return resolve_settings(one_shot=False, helm_values=SourceText("values.yaml", text.encode()))


def of_deployment(*args: str, tag: str = "v0.6.2") -> EffectiveSettings:
    return resolve_settings(one_shot=False, deployment=DeploymentFlags("ops/asm", args, tag))


def of_environment(**variables: str) -> EffectiveSettings:
    return resolve_settings(one_shot=False, environment=variables)


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_has_exactly_the_fields_of_the_settings_in_their_order() -> None:
    assert [one.name for one in FIELDS] == list(Settings.__struct_fields__)


@pytest.mark.parametrize("one", FIELDS, ids=lambda one: one.name)
def test_every_default_is_a_value_its_setting_takes(one: Any) -> None:
    assert parse_text(one, format_value(one.default)) == one.default
    assert type(parse_text(one, format_value(one.default))) is type(one.default)


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("t", True), ("TRUE", True), ("0", False), ("F", False), ("false", False)]
)
def test_switches_take_the_forms_of_go(text: str, value: bool) -> None:
    assert parse_text(BY_NAME["disable_polling"], text) is value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("disable_polling", "yes"),
        ("polling_interval", "5"),
        ("polling_interval", "-5s"),
        ("max_concurrent_kms_secret_pulls", "-1"),
        ("max_concurrent_kms_secret_pulls", "3000000000"),
        ("network", "internet"),
        ("compat", "0.6.1"),
    ],
)
def test_values_of_the_wrong_form_are_refused(name: str, text: str) -> None:
    with pytest.raises(SettingValueError):
        parse_text(BY_NAME[name], text)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_says_what_it_wants(kind: Kind) -> None:
    assert wanted(next(one for one in FIELDS if one.kind is kind))


# --- .asm.yaml --------------------------------------------------------------------------------------------------------


def test_a_config_file_gives_typed_values() -> None:
    found = of_config(
        HEAD + "settings: {pollingInterval: 5m, uid: 1234567890123456, disablePolling: true, excludeNamespaces: [a, b],"
        " maxConcurrentKmsSecretPulls: 0}"
    ).settings
    assert found.polling_interval == timedelta(minutes=5)
    assert found.uid == "1234567890123456"
    assert found.disable_polling is True
    assert found.exclude_namespaces == ("a", "b")
    assert found.max_concurrent_kms_secret_pulls == 0


@pytest.mark.parametrize("text", [HEAD, HEAD + "settings:\n", HEAD + "validate: {ignore: [ASM603]}\n", "", "# nothing\n"])
def test_a_config_file_may_give_nothing(text: str) -> None:
    assert of_config(text).settings == Settings()


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        (HEAD + "settings:\n  kms-endpoint: x\n", (4, 3), 'unknown setting "kms-endpoint"', 'did you mean "kmsEndpoint"?'),
        (HEAD + "settings:\n  regoin: x\n", (4, 3), 'unknown setting "regoin"', 'did you mean "region"?'),
        (HEAD + "settings:\n  colour: x\n", (4, 3), 'unknown setting "colour"', None),
        (HEAD + "settings:\n  showValues: true\n", (4, 3), 'unknown setting "showValues"', None),
        (
            HEAD + "settings:\n  ignoreAccessGates: true\n",
            (4, 3),
            "ignoreAccessGates is read from the command line only (--ignore-access-gates)",
            None,
        ),
        (HEAD + "setting: {}\n", (3, 1), 'unknown key "setting"', 'did you mean "settings"?'),
        (HEAD + "rules: {}\n", (3, 1), 'unknown key "rules"', "known: apiVersion, kind, settings, validate"),
        (HEAD + "settings: []\n", (3, 11), "settings must be a mapping", None),
        (HEAD + 'settings:\n  disablePolling: "true"\n', (4, 19), 'disablePolling: "true" is not true or false', None),
        (HEAD + "settings:\n  region: 5\n", (4, 11), "region: 5 is not a text (quote it)", None),
        (HEAD + "settings:\n  region: null\n", (4, 11), "region: null is not a text (quote it)", None),
        (HEAD + "settings:\n  network: wan\n", (4, 12), 'network: "wan" is not one of vpc, public', None),
        (
            HEAD + "settings:\n  pollingInterval: 5\n",
            (4, 20),
            "pollingInterval: 5 is not a duration such as 90s, 2m or 1h30m",
            None,
        ),
        (HEAD + "settings:\n  watchNamespaces: [1]\n", (4, 20), "watchNamespaces: a list is not a list of namespaces", None),
        ("kind: Config\n", (1, 1), "apiVersion must be kubectl-asm/v1", None),
        ("apiVersion: kubectl-asm/v1\nkind: Fixtures\n", (2, 7), "kind must be Config", None),
        ("- a\n", (1, 1), "the file is not a mapping", None),
        (HEAD + "---\n" + HEAD, (3, 1), "the file holds more than one document", None),
    ],
)
def test_mistakes_in_a_config_file_have_a_place(text: str, place: tuple[int, int], message: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        of_config(text)
    error = caught.value
    assert (error.file, error.line, error.column) == (".asm.yaml", *place)
    assert error.message == message
    assert error.hint == hint


# --- the schema -------------------------------------------------------------------------------------------------------


def test_the_published_schema_is_current() -> None:
    path = Path(kubectl_asm.__file__).parent / "manifest" / "schemas" / "asm-config.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == config_schema(), "run docs/generate_settings.py"


SETTINGS = [
    "region: cn-hangzhou",
    "region: 5",
    "region: ''",
    "uid: 5",
    "uid: true",
    "disablePolling: true",
    "disablePolling: 1",
    "pollingInterval: 1h30m",
    "pollingInterval: '0'",
    "pollingInterval: -5s",
    "pollingInterval: 5",
    "pollingInterval: 5 s",
    "maxConcurrentKmsSecretPulls: 0",
    "maxConcurrentKmsSecretPulls: -1",
    "maxConcurrentKmsSecretPulls: 2147483648",
    "maxConcurrentSecretPulls: 4",
    "watchNamespaces: [a, b]",
    "watchNamespaces: a,b",
    "watchNamespaces: [1]",
    "compat: 0.6.7",
    "compat: 0.7",
    "cesReady: ''",
    "ignoreAccessGates: true",
    "colour: red",
]


@pytest.mark.parametrize("line", SETTINGS)
def test_schema_and_reader_are_of_one_mind(line: str) -> None:
    text = f"{HEAD}settings:\n  {line}\n"
    try:
        of_config(text)
        is_read = True
    except InputError:
        is_read = False
    assert jsonschema_rs.is_valid(config_schema(), yaml.safe_load(text)) is is_read


# --- Helm values ------------------------------------------------------------------------------------------------------


def test_helm_values_are_read_as_the_chart_prints_them() -> None:
    found = of_helm(
        'command:\n  pollingInterval: 60s\n  disablePolling: "true"\n  maxConcurrentKmsSecretPulls: "5"\n  aliuid: 12\n'
    )
    assert found.settings.polling_interval == timedelta(seconds=60)
    assert found.settings.disable_polling is True
    assert found.settings.max_concurrent_kms_secret_pulls == 5
    assert found.settings.uid == "12"
    assert found.origins["uid"] == "--helm-values values.yaml:5:3 (command.aliuid)"


def test_values_that_are_not_written_are_unknown_and_an_empty_text_is_known() -> None:
    found = of_helm("command:\n  kmsEndpoint: ''\n  clusterId: null\nreplicaCount: 2\n")
    assert "kms_endpoint" not in found.unknown
    assert {"region", "cluster_id", "uid"} <= found.unknown
    assert "oos_endpoint" not in found.unknown
    assert found.origins["region"] == "default (not known: not written in --helm-values)"


def test_a_value_from_another_source_is_known() -> None:
    found = resolve_settings(one_shot=False, helm_values=SourceText("v", b""), flags={"region": "x"})
    assert "region" not in found.unknown
    assert "uid" in found.unknown


def test_a_deployment_tells_everything_the_helm_values_do_not() -> None:
    running = DeploymentFlags("ops/asm", ("/manager",), "v0.6.7")
    found = resolve_settings(one_shot=False, helm_values=SourceText("v", b""), deployment=running)
    assert not found.unknown


def test_a_misspelt_chart_value_is_told() -> None:
    found = of_helm("command:\n  regoin: x\n  reconcilePeriod: 5s\n")
    assert found.warnings == ("values.yaml:2:3: command.regoin is no value of the chart; did you mean command.region?",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("command:\n  pollingInterval: often\n", "values.yaml:2:20: command.pollingInterval: "),
        ("command:\n  region: {a: 1}\n", "values.yaml:2:11: command.region: only texts, numbers"),
        ("command: 5\n", "values.yaml:1:10: command is not a mapping"),
        ("[1]\n", "values.yaml:1:1: the file is not a mapping"),
    ],
)
def test_helm_values_no_controller_takes_are_errors(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        of_helm(text)
    assert str(caught.value).startswith(message)


# --- Deployments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ("/manager", "--region=cn-a", "--disable-polling"),
        ("-region=cn-a", "-disable-polling=t"),
        ("--region", "cn-a", "--disable-polling=1"),
        ("tini", "--", "/manager", "--region=cn-b", "--region=cn-a", "--disable-polling=true"),
        ("--backend=alicloud-kms", "--reconcile-period", "5s", "--region=cn-a", "--disable-polling=TRUE"),
    ],
)
def test_go_style_flags_are_understood(args: tuple[str, ...]) -> None:
    found = of_deployment(*args)
    assert (found.settings.region, found.settings.disable_polling) == ("cn-a", True)
    assert found.warnings == ()


def test_a_bare_switch_does_not_take_the_next_word_and_scanning_ends_there() -> None:
    found = of_deployment("--disable-polling", "false", "--region=x")
    assert found.settings.disable_polling is True
    assert found.settings.region == ""


def test_unknown_flags_are_told_and_skipped_with_their_value() -> None:
    found = of_deployment("--zap-level", "debug", "--shiny", "--extract-json-strings=quoted", "--region=x")
    assert found.settings.region == "x"
    assert [text.split(": ")[0] for text in found.warnings] == [
        "Deployment ops/asm (--zap-level)",
        "Deployment ops/asm (--shiny)",
        "Deployment ops/asm (--extract-json-strings)",
    ]


def test_a_value_from_the_pods_environment_is_unknown() -> None:
    found = of_deployment("--region=$(REGION)", "--kms-endpoint=$$(X)")
    assert found.unknown == {"region"}
    assert found.settings.kms_endpoint == "$(X)"
    assert "not known here" in found.warnings[0]


def test_a_shell_hides_the_flags() -> None:
    found = of_deployment("/bin/sh", "-c", "exec /manager --region=x")
    assert found.settings.region == ""
    assert found.warnings == ("Deployment ops/asm: started through a shell, so its flags cannot be read",)


@pytest.mark.parametrize("args", [("--polling-interval=often",), ("--region",), ("--disable-polling=maybe",)])
def test_a_flag_no_controller_takes_is_an_error_that_names_it(args: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"^Deployment ops/asm \(--"):
        of_deployment(*args)


# --- environment ------------------------------------------------------------------------------------------------------


def test_variables_are_read_and_an_empty_one_counts_where_empty_is_a_value() -> None:
    found = of_environment(ASM_DEFAULT_SESSION_NAME="", ASM_POLLING_INTERVAL="", ASM_DISABLE_POLLING="1")
    assert found.settings.default_session_name == ""
    assert found.origins["default_session_name"] == "ASM_DEFAULT_SESSION_NAME"
    assert found.origins["polling_interval"] == "default"
    assert found.settings.disable_polling is True


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(UsageError, match=r'^ASM_NETWORK: "wan" is not one of vpc, public$'):
        of_environment(ASM_NETWORK="wan")


def test_a_misspelt_variable_is_told_and_a_foreign_one_is_not() -> None:
    found = of_environment(ASM_REGOIN="x", ASM_HOME="y", OTHER="z")
    assert found.warnings == ("ASM_REGOIN is no setting; did you mean ASM_REGION?",)


def test_a_bad_flag_is_named() -> None:
    with pytest.raises(UsageError, match=r"^--polling-interval: "):
        resolve_settings(one_shot=True, flags={"polling_interval": "5"})


# --- retired names ----------------------------------------------------------------------------------------------------


def test_the_old_rate_stands_for_the_kms_rate_unless_the_same_source_gives_that() -> None:
    alone = of_deployment("--max-concurrent-secret-pulls=3")
    assert alone.settings.max_concurrent_kms_secret_pulls == 3
    assert alone.settings.max_concurrent_oos_secret_pulls == 10
    assert alone.origins["max_concurrent_kms_secret_pulls"] == "Deployment ops/asm (--max-concurrent-secret-pulls)"
    assert "deprecated" in alone.warnings[0]
    both = of_deployment("--max-concurrent-kms-secret-pulls=7", "--max-concurrent-secret-pulls=3")
    assert both.settings.max_concurrent_kms_secret_pulls == 7


def test_the_token_rotation_period_is_accepted_without_effect() -> None:
    for found in (
        of_deployment("--token-rotation-period=120s"),
        of_helm("command: {tokenRotationPeriod: 120s}\n"),
        of_config(HEAD + "settings: {tokenRotationPeriod: 120s}\n"),
        of_environment(ASM_TOKEN_ROTATION_PERIOD="120s"),
        resolve_settings(one_shot=False, flags={"token_rotation_period": "120s"}),
    ):
        assert [text.rpartition(": ")[2] for text in found.warnings] == ["token-rotation-period has no effect"]


OWN = ("serve", "--log-format=json", "--lease-namespace=$(POD_NAMESPACE)", "--shards", "4")


def test_the_version_of_our_own_controller_is_none_of_the_former_one() -> None:
    found = of_deployment(*OWN, "--region=x", tag="0.1.0")
    assert found.warnings == ()
    assert found.settings == Settings(region="x")
    assert found.profile_is_decided


def test_our_own_controller_tells_settings_the_former_one_does_not_have() -> None:
    found = of_deployment(*OWN, "--compat=0.6.7", "--auth-order=ak-first", tag="0.1.0")
    assert (found.settings.compat, found.settings.auth_order) == ("0.6.7", "ak-first")
    assert found.settings.enable_worker_role is False


def test_what_a_controller_does_about_finalizers_is_not_handed_on() -> None:
    words = DeploymentFlags("ops/asm", (*OWN, "--manage-finalizers=true", "--process-deletions=true"), "0.1.0")
    found = resolve_settings(one_shot=True, deployment=words).settings
    assert (found.manage_finalizers, found.process_deletions) == (False, False)
