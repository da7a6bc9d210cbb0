"""Replicas that keep Leases in a real API server, each with a thread and a connection of its own."""

from __future__ import annotations

import threading
from pathlib import Path

from kubectl_asm.adapters.kube.leases import KubeLeases
from kubectl_asm.adapters.system import SystemClock, SystemRandom, utc_now
from kubectl_asm.app.claims import Membership
from kubectl_asm.app.holding import Holder
from kubectl_asm.app.tenure import Timings
from kubectl_asm.model.objects import ObjectRef
from tests.live.clients import open_connection

LEASE = "kubectl-asm-controller"
TIMINGS = Timings(lease_s=3, renew_s=2, retry_s=0.5, drain_s=2)
REF = ObjectRef("ExternalSecret", "shop", "db")


class Replica:
    """A holder and its thread."""

    def __init__(self, kubeconfig: Path | str, namespace: str, identity: str, *, shards: int = 1) -> None:
        self.identity = identity
        self.connection = open_connection(kubeconfig)
        self.gained: list[int] = []
        self._silence = threading.Event()
        self.clock = SystemClock()
        self.holder = Holder(
            KubeLeases(self.connection.unpaced, namespace, timeout_s=1.0),
            Membership(identity, LEASE, shards),
            self.clock,
            SystemRandom(),
            utc_now,
            timings=TIMINGS,
            on_gained=self.gained.append,
        )
        self._thread = threading.Thread(target=self._run, name=identity)
        self._thread.start()

    def _run(self) -> None:
        while not self.holder.is_finished and not self._silence.is_set():
            self._silence.wait(min(self.holder.step(), 0.1))

    def fall_silent(self) -> None:
        """Stop renewing without a word, as a killed process does."""
        self._silence.set()
        self._thread.join(10)

    def close(self) -> None:
        self.holder.stop()
        self._thread.join(10)
        self.connection.close()


def begin(kubeconfig: Path | str, namespace: str, identity: str, *, shards: int = 1) -> Replica:
    """Start a replica."""
    return Replica(kubeconfig, namespace, identity, shards=shards)
