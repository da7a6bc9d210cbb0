"""Every rate of the controller in one place, so that a file can change them while it runs.

Source: spec/operation.md 8; docs/serve/limits.md.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from kubectl_asm.adapters.decorate import AttemptLimiter, RoundTokenBucket
from kubectl_asm.adapters.files import read_file
from kubectl_asm.adapters.kube.paced import ApiPace
from kubectl_asm.adapters.metrics import ControllerMetrics
from kubectl_asm.adapters.pacing import WaitMeter
from kubectl_asm.errors import AsmError
from kubectl_asm.manifest.limits_file import Limits, read_limits
from kubectl_asm.model.backend import Provider
from kubectl_asm.ports import BatchSecretReader, Clock
from kubectl_asm.wiring.world import World

_LOG = logging.getLogger(__name__)
_LOOK_S = 5.0


@dataclass(slots=True)
class Limiting:
    """The limiters of a controller. default: what the flags say; file: may say otherwise, empty for none."""

    world: World
    metrics: ControllerMetrics
    default: Limits
    file: str = ""
    bucket: RoundTokenBucket = field(init=False)
    api: ApiPace = field(init=False)
    _attempts: AttemptLimiter | None = None
    _now: Limits = field(init=False)

    def __post_init__(self) -> None:
        """Build the limiters at the rates of the file, if there is one now; raises InputError when it is wrong."""
        self._now = read_limits(read_file(Path(self.file)), self.default) if self.file else self.default
        rates = {Provider.KMS: self._now.kms_rounds, Provider.OOS: self._now.oos_rounds}
        self.bucket = RoundTokenBucket(self._clock("round"), rates)
        self.api = ApiPace(self._clock("api"), self._now.api_requests, int(self._now.api_burst))

    def around(self, reader: BatchSecretReader) -> AttemptLimiter:
        """Return a reader behind the attempt limiter."""
        self._attempts = AttemptLimiter(reader, self._clock("attempt"), self._now.attempts)
        return self._attempts

    def follow_file(self) -> None:
        """Take changes of the file until shutdown: the body of a thread. A file that is wrong changes nothing."""
        said = ""
        while self.world.clock.wait(_LOOK_S):
            try:
                fresh = read_limits(read_file(Path(self.file)), self.default)
            except AsmError as error:
                if str(error) != said:
                    _LOG.warning("limits stay as they are: %s", error)
                said = str(error)
                continue
            said = ""
            if fresh != self._now:
                self.change(fresh)

    def change(self, fresh: Limits) -> None:
        """Use other rates from now on."""
        _LOG.info("limits changed: %s", fresh)
        self._now = fresh
        self.bucket.change(Provider.KMS, fresh.kms_rounds)
        self.bucket.change(Provider.OOS, fresh.oos_rounds)
        self.api.change(fresh.api_requests, int(fresh.api_burst))
        if self._attempts is not None:
            self._attempts.change(fresh.attempts)

    def _clock(self, limiter: str) -> Clock:
        return WaitMeter(
            self.world.clock, lambda seconds: self.metrics.count("asm_limiter_wait_seconds_total", limiter, by=seconds)
        )
