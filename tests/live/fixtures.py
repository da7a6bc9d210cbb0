"""Fixtures around the control plane, for every folder whose tests need a real API server.

Import them in a conftest.py: `from tests.live.fixtures import *`. One control plane a session (shared by xdist
workers), one namespace a test: nothing finishes deleting without a controller manager, so names are never reused.
"""

# asks the real environment where it runs

from __future__ import annotations

import fcntl
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.controlplane import ControlPlane, MissingControlPlane, shared

__all__ = ["alone_with_controllers", "control_plane", "grant", "kubeconfig_for", "namespace"]

KubeconfigFor = Callable[..., Path]

_numbers = itertools.count(1)


def _aloud(config: pytest.Config) -> Callable[[str], None]:
    """Return a function that writes a line past pytest's capturing."""
    capturing = config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capturing.global_and_fixture_disabled():
            print(f"\n{line}", file=sys.stderr, flush=True)

    return say


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """A real kube-apiserver and etcd with our custom resources installed."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    try:
        with shared(root, _aloud(pytestconfig)) as running:
            yield running
    except MissingControlPlane as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run the live tests: {reason}")
        _aloud(pytestconfig)(f"LIVE TESTS SKIPPED: {reason}")
        pytest.skip(str(reason))


@pytest.fixture
def alone_with_controllers(control_plane: ControlPlane) -> Iterator[None]:
    """Only one test at a time, over all workers, puts controllers into the shared cluster or looks for them."""
    with (control_plane.folder / "controllers").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """The name of a fresh namespace."""
    name = f"t-{os.getpid()}-{next(_numbers)}"
    control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture
def kubeconfig_for(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> KubeconfigFor:
    """Return a function from a user name (and groups) to a kubeconfig of that user, who may do nothing until granted."""

    def write(user: str, *, groups: tuple[str, ...] = (), server: str = "") -> Path:
        entry = {"token": control_plane.token} if user == "admin" else control_plane.certificate_user(user, groups)
        return control_plane.write_kubeconfig(tmp_path / f"{user}.kubeconfig", entry, namespace=namespace, server=server)

    return write


@pytest.fixture
def grant(control_plane: ControlPlane, namespace: str) -> Callable[..., None]:
    """Return a function that lets a user do verbs on resources, in the test's namespace or (everywhere=True) in all."""

    def allow(user: str, verbs: list[str], resources: list[str], *, group: str = "", everywhere: bool = False) -> None:
        kind = "ClusterRole" if everywhere else "Role"
        scope = "" if everywhere else f"/namespaces/{namespace}"
        name = f"{user}-{next(_numbers)}-{namespace}"
        rules = [{"apiGroups": [group], "resources": resources, "verbs": verbs}]
        base = f"/apis/rbac.authorization.k8s.io/v1{scope}"
        control_plane.request("POST", f"{base}/{kind.lower()}s", {"metadata": {"name": name}, "rules": rules})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        }
        control_plane.request("POST", f"{base}/{kind.lower()}bindings", binding)

    return allow
