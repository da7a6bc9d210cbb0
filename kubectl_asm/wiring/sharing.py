"""What stands between the rounds of a controller and the services, from the outside in.

    Ageing        what was read within an interval is not read again
    Joining       equal reads under way are one
    Gathering     reads of several workers become one call
    Batching      one call for many reads, and one wait before what failed is asked for again
    Circuit       who fails for everybody is left alone
    limits        attempts a second for each account and service; calls at the same time
    metrics       every call is counted

Source: spec/operation.md 8.
"""

from __future__ import annotations

from kubectl_asm.adapters.ageing import AgeingSource
from kubectl_asm.adapters.circuit import WAITED_FOR_S, CircuitReader
from kubectl_asm.adapters.decorate import BatchingSource, ConcurrencyLimit, MeteredReader, Retry, RetryPolicy
from kubectl_asm.adapters.gathering import GatheringSource
from kubectl_asm.adapters.joining import JoiningSource
from kubectl_asm.adapters.metrics import ControllerMetrics
from kubectl_asm.ports import BatchSecretReader, Clock
from kubectl_asm.wiring.limiting import Limiting

PATIENCE = RetryPolicy(longest_stated_s=WAITED_FOR_S)
"""What a worker waits for: the delay a busy service states would otherwise be that of every object behind other services."""


def shared_values(
    services: BatchSecretReader, limiting: Limiting, metrics: ControllerMetrics, clock: Clock, retry: Retry, *, workers: int
) -> tuple[CircuitReader, AgeingSource]:
    """Return the values of the services as many workers share them, and the circuits on the way."""
    metered = MeteredReader(services, metrics, clock)
    circuit = CircuitReader(limiting.around(ConcurrencyLimit(metered, workers)), clock)
    joining = JoiningSource(GatheringSource(BatchingSource(circuit, retry)), remembers=False)
    return circuit, AgeingSource(joining, clock)
