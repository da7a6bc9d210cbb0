"""Connecting to a real API server: every way to authenticate, and every way it fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import stat
import tempfile
import threading

import pytest
import yaml

from kubectl_asm.adapters.kube.access import AccessReviewer
from kubectl_asm.adapters.kube.errors import Asked
from kubectl_asm.adapters.kube.reader import KubeReader
from kubectl_asm.adapters.kube.requestlog import RequestLog
from kubectl_asm.adapters.kube.tokens import KubeTokenIssuer
from kubectl_asm.errors import AccessError, AsmError, NotFoundError, UnavailableError, UsageError
from kubectl_asm.model.objects import Namespace, Secret
from tests.live.clients import open_connection
from tests.live.controlplane import free_port, is_ready, stop, wait_until


@pytest.fixture
def opened():
    connections = []

    def open_one(kubeconfig="", **options):
        connections.append(open_connection(kubeconfig, **options))
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.close()


def whoami(connection):
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    reply = connection.transport.write("POST", path, Asked("create", "selfsubjectreviews"), body)
    return json.loads(reply.body)["status"]["userInfo"]


def plugin(tmp_path, name, body):
    script = tmp_path / name
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "interactiveMode": "Never"}}


def credential(**status):
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"cat <<'END'\n{json.dumps(answer)}\nEND"


def test_a_token_authenticates(control_plane, opened):
    assert whoami(opened(control_plane.kubeconfig))["username"] == "admin"


def test_a_client_certificate_given_as_data_authenticates(kubeconfig_for, opened):
    found = whoami(opened(kubeconfig_for("alice", groups=("devs",))))
    assert found["username"] == "alice"
    assert "devs" in found["groups"]


def test_client_certificate_files_relative_to_the_kubeconfig_authenticate(control_plane, tmp_path, opened):
    data = control_plane.certificate_user("bob")
    for field in ("client-certificate", "client-key"):
        (tmp_path / f"{field}.pem").write_bytes(base64.b64decode(data[f"{field}-data"]))
    user = {"client-certificate": "client-certificate.pem", "client-key": "client-key.pem"}
    kubeconfig = control_plane.write_kubeconfig(tmp_path / "config", user)
    assert whoami(opened(kubeconfig))["username"] == "bob"


def test_nothing_is_written_to_the_temporary_folder(kubeconfig_for, opened, tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    opened(kubeconfig_for("alice"))
    assert list(folder.iterdir()) == []


def test_an_exec_plugin_gives_a_token(control_plane, tmp_path, opened):
    user = plugin(tmp_path, "login", credential(token=control_plane.token))
    assert whoami(opened(control_plane.write_kubeconfig(tmp_path / "config", user)))["username"] == "admin"


def test_an_exec_plugin_gives_a_certificate(control_plane, tmp_path, opened):
    data = {key: base64.b64decode(value).decode() for key, value in control_plane.certificate_user("carol").items()}
    status = {"clientCertificateData": data["client-certificate-data"], "clientKeyData": data["client-key-data"]}
    user = plugin(tmp_path, "login", credential(**status))
    assert whoami(opened(control_plane.write_kubeconfig(tmp_path / "config", user)))["username"] == "carol"


def test_an_exec_plugin_runs_again_when_its_token_is_refused(control_plane, tmp_path, opened):
    marker = tmp_path / "ran"
    first, second = credential(token="stale-token"), credential(token=control_plane.token)
    user = plugin(tmp_path, "login", f"if [ -e {marker} ]; then\n{second}\nelse touch {marker}\n{first}\nfi")
    assert whoami(opened(control_plane.write_kubeconfig(tmp_path / "config", user)))["username"] == "admin"


def test_a_failing_exec_plugin_is_named_with_its_words(control_plane, tmp_path):
    user = plugin(tmp_path, "login", "echo 'session expired' >&2; exit 3")
    with pytest.raises(AsmError, match=r"the credential plugin .*login.* failed: .*session expired"):
        open_connection(control_plane.write_kubeconfig(tmp_path / "config", user))


def test_a_missing_exec_plugin_comes_with_its_install_hint(control_plane, tmp_path):
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "installHint": "get it at home"}
    }
    with pytest.raises(UsageError, match="is not installed") as caught:
        open_connection(control_plane.write_kubeconfig(tmp_path / "config", user))
    assert caught.value.hint == "get it at home"


def test_an_exec_plugin_without_a_credential_is_an_error(control_plane, tmp_path):
    user = plugin(tmp_path, "login", credential())
    with pytest.raises(AsmError, match="neither a token nor a certificate"):
        open_connection(control_plane.write_kubeconfig(tmp_path / "config", user))


def test_a_token_file_is_followed_when_it_is_rotated(control_plane, tmp_path, opened):
    (tmp_path / "token").write_text("stale-token")
    connection = opened(control_plane.write_kubeconfig(tmp_path / "config", {"tokenFile": "token"}))
    with pytest.raises(AccessError):
        whoami(connection)
    (tmp_path / "token").write_text(control_plane.token + "\n")
    assert whoami(connection)["username"] == "admin"


def test_a_refused_token_says_so_and_is_not_shown(control_plane, tmp_path, opened):
    connection = opened(control_plane.write_kubeconfig(tmp_path / "config", {"token": "S3cr3t-token"}))
    with pytest.raises(AccessError) as caught:
        KubeReader(connection.transport).get(Namespace, "", "default")
    assert caught.value.status == 401
    assert "expired" in (caught.value.hint or "")
    assert "S3cr3t" not in f"{caught.value} {caught.value.hint} {caught.value!r}"


def test_an_expired_service_account_token_is_refused_with_the_same_words(control_plane, tmp_path, opened):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    body = part({"alg": "HS256"}) + b"." + part({"iss": "https://kubernetes.default.svc", "exp": 1})
    token = body + b"." + base64.urlsafe_b64encode(hmac.new(b"x", body, hashlib.sha256).digest()).rstrip(b"=")
    connection = opened(control_plane.write_kubeconfig(tmp_path / "config", {"token": token.decode()}))
    with pytest.raises(AccessError, match="Unauthorized"):
        KubeReader(connection.transport).get(Namespace, "", "default")


def test_flags_replace_the_server_and_the_token(control_plane, tmp_path, opened):
    empty = tmp_path / "empty"
    empty.write_text("apiVersion: v1\nkind: Config\n")
    options = {"server": control_plane.server, "token": control_plane.token, "certificate_authority": str(control_plane.ca_file)}
    connection = opened(empty, **options)
    assert whoami(connection)["username"] == "admin"
    assert connection.namespace == "default"


def test_impersonation_flags_are_sent(control_plane, opened):
    found = whoami(opened(control_plane.kubeconfig, as_user="dave", as_groups=("a", "b"), as_uid="u-1"))
    assert found["username"] == "dave"
    assert {"a", "b"} <= set(found["groups"])
    assert found["uid"] == "u-1"


def test_impersonation_of_the_kubeconfig_is_sent(control_plane, tmp_path, opened):
    user = {"token": control_plane.token, "as": "erin", "as-groups": ["g"], "as-user-extra": {"scope": ["x"]}}
    found = whoami(opened(control_plane.write_kubeconfig(tmp_path / "config", user)))
    assert found["username"] == "erin"
    assert found["extra"] == {"scope": ["x"]}


def test_a_pod_uses_its_service_account(control_plane, namespace, tmp_path, opened):
    control_plane.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "app"}})
    admin = opened(control_plane.kubeconfig)
    token = KubeTokenIssuer(admin.transport).issue(namespace, "app", ["https://kubernetes.default.svc"])
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(token)
    (folder / "namespace").write_text(namespace)
    (folder / "ca.crt").write_bytes(control_plane.ca_file.read_bytes())
    port = control_plane.server.rpartition(":")[2]
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port, "HOME": str(tmp_path)}
    connection = opened(environment=environment, pod_folder=folder)
    assert whoami(connection)["username"] == f"system:serviceaccount:{namespace}:app"
    assert connection.namespace == namespace


def test_a_token_request_names_its_audience(control_plane, namespace, opened):
    control_plane.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "app"}})
    token = KubeTokenIssuer(opened(control_plane.kubeconfig).transport).issue(namespace, "app", ["sts.aliyuncs.com"])
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["aud"] == ["sts.aliyuncs.com"]


def test_a_token_request_for_an_absent_service_account_is_not_found(control_plane, namespace, opened):
    issuer = KubeTokenIssuer(opened(control_plane.kubeconfig).transport)
    with pytest.raises(NotFoundError, match='serviceaccounts "none" not found'):
        issuer.issue(namespace, "none", ["x"])


def test_a_forbidden_token_request_names_what_is_missing(namespace, kubeconfig_for, opened):
    with pytest.raises(AccessError) as caught:
        KubeTokenIssuer(opened(kubeconfig_for("nobody")).transport).issue(namespace, "app", ["x"])
    assert "create serviceaccounts/token" in (caught.value.hint or "")


def test_the_namespace_of_the_context_is_the_default(kubeconfig_for, namespace, opened):
    assert opened(kubeconfig_for("alice")).namespace == namespace
    assert opened(kubeconfig_for("alice"), namespace="other").namespace == "other"


def test_access_reviews_answer_for_the_caller(kubeconfig_for, grant, namespace, opened):
    grant("alice", ["get"], ["secrets"])
    reviewer = AccessReviewer(opened(kubeconfig_for("alice")).transport)
    assert reviewer.may("get", Secret, namespace)
    assert not reviewer.may("update", Secret, namespace)
    assert not reviewer.may("get", Secret)


def test_a_refused_connection_names_the_server(control_plane, kubeconfig_for, opened):
    port = free_port()
    connection = opened(kubeconfig_for("admin", server=f"https://127.0.0.1:{port}"))
    with pytest.raises(UnavailableError, match=f"https://127.0.0.1:{port} refuses the connection") as caught:
        KubeReader(connection.transport).get(Namespace, "", "default")
    assert caught.value.hint


def test_an_unknown_authority_is_not_trusted(control_plane, tmp_path, opened):
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    del config["clusters"][0]["cluster"]["certificate-authority-data"]
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(yaml.safe_dump(config))
    with pytest.raises(UnavailableError, match="signed by an unknown authority") as caught:
        whoami(opened(kubeconfig))
    assert "--certificate-authority" in (caught.value.hint or "")


def test_a_certificate_for_another_name_is_not_trusted(control_plane, opened):
    with pytest.raises(UnavailableError, match="is for another name"):
        whoami(opened(control_plane.kubeconfig, tls_server_name="example.com"))


def test_the_name_in_the_certificate_can_be_given(control_plane, opened):
    assert whoami(opened(control_plane.kubeconfig, tls_server_name="localhost"))["username"] == "admin"


def test_verification_can_be_switched_off_by_name(control_plane, opened):
    options = {"insecure_skip_tls_verify": True, "tls_server_name": "example.com"}
    assert whoami(opened(control_plane.kubeconfig, **options))["username"] == "admin"


def test_a_silent_server_runs_into_the_request_timeout(tmp_path, opened):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        kubeconfig = tmp_path / "config"
        kubeconfig.write_text("apiVersion: v1\nkind: Config\n")
        server = f"http://127.0.0.1:{listener.getsockname()[1]}"
        connection = opened(kubeconfig, server=server, request_timeout_s=0.3)
        with pytest.raises(UnavailableError, match=r"no answer from .* within 0\.3 s"):
            KubeReader(connection.transport).get(Namespace, "", "default")


def test_a_server_that_is_no_api_server_is_recognised(tmp_path, opened):
    def answer(listener):
        peer, _ = listener.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        kubeconfig = tmp_path / "config"
        kubeconfig.write_text("apiVersion: v1\nkind: Config\n")
        connection = opened(kubeconfig, server=f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(AsmError, match="the answer is not JSON"):
            KubeReader(connection.transport).get(Namespace, "", "default")
        thread.join()


def test_a_read_goes_on_after_the_server_was_restarted(control_plane, kubeconfig_for, opened):
    port = free_port()
    server = f"https://127.0.0.1:{port}"
    first = control_plane.spare_server(port)
    second = None
    try:
        wait_until(lambda: is_ready(server, control_plane.ca_file), timeout_s=60, what="the spare API server is not ready")
        reader = KubeReader(opened(kubeconfig_for("admin", server=server)).transport)
        assert reader.get(Namespace, "", "default").name == "default"
        stop(first)
        with pytest.raises(UnavailableError):
            reader.get(Namespace, "", "default")
        second = control_plane.spare_server(port)
        wait_until(lambda: is_ready(server, control_plane.ca_file), timeout_s=60, what="the spare API server is not ready")
        assert reader.get(Namespace, "", "default").name == "default"
    finally:
        stop(*(process for process in (first, second) if process is not None))


def test_only_method_path_status_and_duration_are_logged(control_plane, namespace, caplog):
    records = []
    caplog.set_level("DEBUG")
    log = RequestLog(records.append)
    connection = open_connection(control_plane.kubeconfig, log=log)
    KubeReader(connection.transport).list(Secret, namespace, label_selector="a=b")
    connection.close()
    assert [(record.method, record.path, record.status) for record in records] == [
        ("GET", f"/api/v1/namespaces/{namespace}/secrets", 200)
    ]
    assert (log.total, log.by_method) == (1, {"GET": 1})
    (told,) = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(rf"kube GET /api/v1/namespaces/{namespace}/secrets 200 in \d+ ms", told)
    assert os.sep in records[0].path
