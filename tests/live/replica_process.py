"""One replica as a process of its own: keeps Leases and says many times a second whether it may work.

    python -m tests.live.replica_process KUBECONFIG NAMESPACE IDENTITY

Writes lines `SECONDS 0|1`: the clock before the question, and the answer. Ends at end of input, with a release.
"""

from __future__ import annotations

import sys
import threading

from kubectl_asm.adapters.system import SystemClock
from tests.live.replicas import REF, begin


def main() -> None:
    kubeconfig, namespace, identity = sys.argv[1:]
    clock = SystemClock()
    replica = begin(kubeconfig, namespace, identity)
    threading.Thread(target=lambda: (sys.stdin.read(), replica.holder.stop()), daemon=True).start()
    while not replica.holder.is_finished:
        asked_s = clock.monotonic()
        print(f"{asked_s:.6f} {int(replica.holder.may_start(REF))}", flush=True)
        clock.wait(0.005)
    replica.close()


if __name__ == "__main__":
    main()
