"""The fixture itself: shared, isolated, and gone after a crash."""

# hands the real environment to a process

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.live.controlplane import is_ready, wait_until


def test_serves_our_four_kinds(control_plane):
    resources = control_plane.request("GET", "/apis/alibabacloud.com/v1alpha1")["resources"]
    assert {item["name"] for item in resources if "/" not in item["name"]} == {
        "externalsecrets",
        "secretstores",
        "clustersecretstores",
        "clusterexternalsecrets",
    }


def test_listens_on_loopback_only(control_plane):
    assert control_plane.server.startswith("https://127.0.0.1:")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_servers_are_gone_after_the_test_process_was_killed(control_plane, tmp_path):
    script = (
        "import sys, time, pathlib\n"
        "from tests.live.controlplane import shared\n"
        "with shared(pathlib.Path(sys.argv[1])) as running:\n"
        "    print(running.server, flush=True)\n"
        "    time.sleep(300)\n"
    )
    environment = {**os.environ, "KUBEBUILDER_ASSETS": str(control_plane.binaries)}
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root, env=environment
    )
    assert process.stdout is not None
    server = process.stdout.readline().strip()
    ca_file = tmp_path / "control-plane" / "server-ca.crt"
    assert is_ready(server, ca_file)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    wait_until(lambda: not _listens(server), timeout_s=20, what="the API server outlived its test process")
    wait_until(lambda: not _processes_naming(tmp_path), timeout_s=20, what="a server outlived its test process")


def _listens(server: str) -> bool:
    """Whether somebody accepts connections; no TLS, because a server that dies in a handshake leaves a socket unclosed."""
    address = urlsplit(server)
    try:
        socket.create_connection((address.hostname, address.port), timeout=2).close()
    except OSError:
        return False
    return True


def _processes_naming(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace") if entry.name.isdigit() else ""
        except OSError:
            continue
        if str(folder / "control-plane") in command:
            found.append(command)
    return found
