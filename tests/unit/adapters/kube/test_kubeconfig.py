"""Kubeconfig files: kubectl's rules of precedence and errors that say what to do."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubectl_asm.adapters.kube.connection import ConnectionOptions, connect
from kubectl_asm.adapters.kube.credentials import OidcCredential
from kubectl_asm.adapters.kube.kubeconfig import kubeconfig_paths, load_kubeconfig, select
from kubectl_asm.errors import InputError, UsageError

FIRST = """\
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: shop}}
- {name: broken, context: {cluster: none, user: u}}
- {name: nobody, context: {cluster: c, user: none}}
clusters:
- {name: c, cluster: {server: "http://first:1"}}
users:
- {name: u, user: {token: first-token}}
"""
SECOND = FIRST.replace("first", "second").replace("one", "two").replace("shop", "web")


class Clock:
    def monotonic(self):
        return 0.0

    def wait(self, seconds):
        raise AssertionError("nothing waits here")


def opened(**options):
    return connect(ConnectionOptions(**options), clock=Clock(), now=lambda: datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def first(tmp_path):
    path = tmp_path / "first"
    path.write_text(FIRST)
    return path


@pytest.fixture
def second(tmp_path):
    path = tmp_path / "second"
    path.write_text(SECOND)
    return path


def test_the_flag_wins_over_the_variable_and_the_variable_over_the_home_folder():
    environment = {"HOME": "/home/me", "KUBECONFIG": f"/a{os.pathsep}{os.pathsep}/b"}
    assert kubeconfig_paths("/flag", environment) == (Path("/flag"),)
    assert kubeconfig_paths("", environment) == (Path("/a"), Path("/b"))
    assert kubeconfig_paths("", {"HOME": "/home/me"}) == (Path("/home/me/.kube/config"),)
    assert kubeconfig_paths("", {}) == ()


def test_in_a_list_of_files_the_first_value_wins(first, second, tmp_path):
    merged = load_kubeconfig([tmp_path / "absent", first, second], must_exist=False)
    assert merged.current_context == "one"
    assert merged.clusters["c"].value["server"] == "http://first:1"
    assert sorted(merged.contexts) == ["broken", "nobody", "one", "two"]


def test_a_later_file_adds_its_contexts(first, second):
    environment = {"KUBECONFIG": f"{first}{os.pathsep}{second}"}
    connection = opened(environment=environment, context="two")
    assert (connection.namespace, connection.server) == ("web", "http://first:1")


def test_an_unknown_context_lists_those_there_are(first):
    with pytest.raises(UsageError, match='the context "prod" does not exist') as caught:
        opened(kubeconfig=str(first), context="prod")
    assert caught.value.hint == "contexts there are: broken, nobody, one"


@pytest.mark.parametrize(("context", "message"), [("broken", 'the cluster "none"'), ("nobody", 'the user "none"')])
def test_a_context_that_names_what_is_missing_is_refused(first, context, message):
    with pytest.raises(UsageError, match=message):
        opened(kubeconfig=str(first), context=context)


def test_cluster_and_user_flags_replace_those_of_the_context(first):
    selected = select(load_kubeconfig([first], must_exist=True), context="broken", cluster="c", user="")
    assert selected.cluster.value["server"] == "http://first:1"


def test_a_missing_file_given_by_name_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"the kubeconfig .*absent does not exist"):
        opened(kubeconfig=str(tmp_path / "absent"))


def test_without_a_kubeconfig_the_error_says_where_was_looked(tmp_path):
    with pytest.raises(UsageError, match=r"no kubeconfig found \(looked at .*\.kube/config\)") as caught:
        opened(environment={"HOME": str(tmp_path)})
    assert "--cluster-dir" in (caught.value.hint or "")
    assert caught.value.exit_code == 2


def test_without_a_current_context_the_error_says_how_to_choose(first):
    first.write_text(FIRST.replace("current-context: one", ""))
    with pytest.raises(UsageError, match="no context is selected"):
        opened(kubeconfig=str(first))


def test_a_file_that_does_not_parse_is_named_with_its_line(first):
    first.write_text("clusters: [\n")
    with pytest.raises(InputError) as caught:
        opened(kubeconfig=str(first))
    assert caught.value.file == str(first)


@pytest.mark.parametrize("text", ["[]", "clusters: {a: b}", "clusters: [1]", "clusters: [{cluster: {}}]"])
def test_a_file_of_another_shape_is_refused(first, text):
    first.write_text(text)
    with pytest.raises(InputError):
        opened(kubeconfig=str(first))


def test_a_context_without_a_server_is_refused(first):
    first.write_text(FIRST.replace('server: "http://first:1"', ""))
    with pytest.raises(UsageError, match="names no server"):
        opened(kubeconfig=str(first))


def test_impersonating_a_group_needs_a_user(first):
    with pytest.raises(UsageError, match="needs a user"):
        opened(kubeconfig=str(first), as_groups=("admins",))


def test_bad_certificate_data_is_refused_without_quoting_it(first):
    first.write_text(FIRST.replace('"http://first:1"', '"https://first:1", certificate-authority-data: "S3cr3t%"'))
    with pytest.raises(UsageError, match="certificate-authority-data of the kubeconfig is not base64") as caught:
        opened(kubeconfig=str(first))
    assert "S3cr3t" not in str(caught.value)


def test_a_certificate_without_its_key_is_refused(first):
    text = FIRST.replace("http:", "https:").replace("token: first-token", "client-certificate-data: YQ==")
    first.write_text(text)
    with pytest.raises(UsageError, match="are needed together"):
        opened(kubeconfig=str(first))


def test_an_auth_provider_kubectl_dropped_is_refused(first):
    first.write_text(FIRST.replace("token: first-token", "auth-provider: {name: gcp}"))
    with pytest.raises(UsageError, match='the auth provider "gcp" is not supported'):
        opened(kubeconfig=str(first))


def test_nothing_of_a_credential_is_in_a_repr(first):
    options = ConnectionOptions(kubeconfig=str(first), token="S3cr3t")
    assert "S3cr3t" not in repr(options)
    config = load_kubeconfig([first], must_exist=True)
    assert "first-token" not in repr(config)
    assert "first-token" not in repr(select(config, context="one", cluster="", user=""))


def test_a_valid_oidc_token_is_used_as_it_is():
    import base64
    import json

    payload = base64.urlsafe_b64encode(json.dumps({"exp": 4102444800}).encode()).decode().rstrip("=")
    provider = {"name": "oidc", "config": {"id-token": f"e30.{payload}.c2ln", "idp-issuer-url": "https://issuer.example"}}
    assert OidcCredential({"auth-provider": provider}).authorization() == f"Bearer e30.{payload}.c2ln"


def test_the_issuer_of_an_oidc_login_is_always_verified():
    credential = OidcCredential({"auth-provider": {"name": "oidc", "config": {"id-token": "x"}}})
    assert credential._user["auth-provider"]["config"]["idp-certificate-authority"]
