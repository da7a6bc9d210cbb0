"""render: offline Secrets, masked unless asked, with exit codes scripts can rely on."""

import base64

import pytest
import yaml

from tests.unit.cli.conftest import APP, CANARY, FIXTURES


@pytest.fixture(autouse=True)
def _files(files):
    files(app_yaml=APP, fixtures_yaml=FIXTURES)


def test_a_secret_is_printed_with_masked_values_and_marked(asm):
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml")
    (secret,) = yaml.safe_load_all(ran.out)
    assert ran.code == 0
    assert secret["data"] == {"password": "***"}
    assert secret["metadata"]["annotations"] == {"kubectl-asm/masked": "true"}
    assert CANARY not in ran.out + ran.err


def test_values_are_shown_only_on_the_command_line(asm):
    (secret,) = yaml.safe_load_all(asm("render", "app.yaml", "--backend", "fixtures.yaml", "--show-values").out)
    assert base64.b64decode(secret["data"]["password"]).decode() == CANARY
    assert "annotations" not in secret["metadata"]


def test_json_names_object_decision_status_and_trace(asm):
    (item,) = asm("render", "app.yaml", "--backend", "fixtures.yaml", "-o", "json").json()["items"]
    assert item["object"] == {"kind": "ExternalSecret", "namespace": "shop", "name": "app"}
    assert (item["decision"], item["parent"], item["secret"]["data"]) == ("create", None, {"password": "***"})
    assert item["status"] == [{"key": "", "status": "Succeeded", "reason": ""}]
    assert item["trace"] == [{"stage": "fetch", "subject": "data[0]", "text": "db -> password"}]


def test_a_failed_entry_is_exit_code_1_and_a_comment(asm):
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml", "--fail", "db=Forbidden.NoPermission")
    assert ran.code == 1
    assert ran.out == "# ExternalSecret shop/app -> skip: no source could be read; the Secret is retained\n"


@pytest.mark.parametrize("word", ["db", "=403", "db="])
def test_a_malformed_failure_is_a_usage_error(asm, word):
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml", "--fail", word)
    assert (ran.code, ran.out) == (2, "")
    assert "KEY=CODE" in ran.err


def test_bad_documents_are_told_and_the_rest_is_rendered(asm, files):
    files(app_yaml=f"a: [\n---\n{APP}")
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml")
    assert ran.code == 2
    assert "kind: Secret" in ran.out
    assert ran.err.startswith("error: app.yaml:2:1: not valid YAML")


def test_without_fixtures_there_is_a_hint(asm):
    ran = asm("render", "app.yaml")
    assert ran.code == 2
    assert "--backend fixtures.yaml" in ran.err


def test_a_problem_in_the_fixtures_has_a_place(asm, files):
    files(fixtures_yaml="apiVersion: kubectl-asm/v1\nkind: Fixtures\nkms:\n  db: {binery: x}\n")
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml")
    assert ran.code == 2
    assert "fixtures.yaml:4:" in ran.err


def test_a_query_without_result_fails_only_when_asked(asm, files):
    spec = APP.replace("{key: db, name: password}", "{key: db, name: password, jmesPath: [{path: nope, objectAlias: x}]}")
    files(app_yaml=spec)
    assert asm("render", "app.yaml", "--backend", "fixtures.yaml").code == 0
    strict = asm("render", "app.yaml", "--backend", "fixtures.yaml", "--fail-on-missing-key")
    assert strict.code == 1
    assert "'nope' skipped" in strict.err


def test_a_template_field_that_nobody_produces_fails_only_when_asked(asm, files):
    files(app_yaml=APP + '  target: {template: {data: {url: "{{ .user }}"}}}\n')
    assert asm("render", "app.yaml", "--backend", "fixtures.yaml").code == 0
    strict = asm("render", "app.yaml", "--backend", "fixtures.yaml", "--fail-on-missing-key")
    assert strict.code == 1
    assert "no key 'user'" in strict.err


def test_the_trace_tells_stages_and_no_value(asm, files):
    files(app_yaml=APP + '  target: {template: {data: {url: "{{ .password }}", id: "{{ uuidv4 }}"}}}\n')
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml", "--trace")
    assert "fetch     data[0]: db -> password" in ran.err
    assert "template  url: rendered" in ran.err
    assert "uuidv4" in ran.err
    assert CANARY not in ran.err + ran.out


def test_values_that_a_template_puts_into_metadata_are_masked_too(asm, files):
    metadata = 'metadata: {labels: {fixed: "yes", leak: "{{ .password | trunc 6 }}"}, annotations: {leak: "{{ .password }}"}}'
    literal = "templateFrom: [{literal: '{{ .password }}', target: Annotations}]"
    files(
        app_yaml=APP
        + f"  target: {{template: {{{metadata}}}}}\n---\n"
        + APP.replace("name: app", "name: from")
        + f"  target: {{template: {{{literal}}}}}\n"
    )
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml")
    first, second = yaml.safe_load_all(ran.out)
    assert first["metadata"]["labels"] == {"fixed": "yes", "leak": "***"}
    assert first["metadata"]["annotations"]["leak"] == "***"
    assert second["metadata"]["annotations"]["literal"] == "***"
    assert "canary" not in ran.out + ran.err + asm("render", "app.yaml", "--backend", "fixtures.yaml", "-o", "json").out


def test_a_failed_entry_is_explained_on_stderr(asm):
    ran = asm("render", "app.yaml", "--backend", "fixtures.yaml", "--fail", "db=Forbidden.NoPermission")
    assert "ExternalSecret shop/app: data[0]: client env.client get data failed: Forbidden.NoPermission, HTTP 403" in ran.err
