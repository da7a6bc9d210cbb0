"""A cluster in memory whose calls are counted and can fail, and values by backend key, for rounds from end to end."""

from __future__ import annotations

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.lookups import References
from kubectl_asm.errors import NotFoundError
from kubectl_asm.model.backend import BackendError, SecretAnswer
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings
from tests.harness.world import FakeBucket, FakeClock, SeededRandom
from tests.unit.engine.rounds import plain

ENVIRONMENT = {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "secret"}


class World:
    """Reader and writer at once, and the secret source. values: backend key to text, SecretAnswer or BackendError."""

    def __init__(self, obj, *objects, values):
        self.clock = FakeClock()
        self.cluster = MemoryCluster((obj, *objects), now=self.clock.instant, manager="test")
        self.values = values
        self.settings = Settings(region="cn-hangzhou")
        self.calls = []
        self.reads = 0
        self._key = (obj.namespace, obj.name)
        self._target = obj.target_name
        self._faults = {}
        self._hooks = {}

    def fail(self, verb, error, times=1_000):
        """Let the next calls of a writer's method fail."""
        self._faults[verb] = [error, times]

    def before(self, verb, action):
        """Do something once, just before a writer's method."""
        self._hooks[verb] = action

    def external(self):
        return self.cluster.get(ExternalSecret, *self._key)

    def secret(self):
        return self.cluster.get(Secret, self._key[0], self._target)

    def data(self):
        try:
            return plain(self.secret().data)
        except NotFoundError:
            return None

    def rounds(self, *, adopt=True):
        ports = RoundPorts(
            self,
            References(self),
            self,
            FakeBucket(self.clock, ()),
            self.clock.instant,
            template_environments(SeededRandom(), self.clock),
            ENVIRONMENT,
        )
        return Rounds(ports, self.settings, adopt=adopt)

    def plan(self, obj=None):
        return self.rounds().plan(obj or self.external())

    def run(self, obj=None, *, adopt=True, **options):
        return self.rounds(adopt=adopt).run(obj or self.external(), Executor(self, self, **options))

    # -- ports

    def fetch_many(self, reads):
        self.reads += 1
        return [self._outcome(read.request.key) for read in reads]

    def _outcome(self, key):
        value = self.values.get(key, BackendError("no such secret", code="Forbidden.ResourceNotFound", status=404))
        return SecretAnswer(SecretBytes.of_text(value)) if isinstance(value, str) else value

    def get(self, kind, namespace, name):
        return self.cluster.get(kind, namespace, name)

    def list(self, kind, namespace="", *, label_selector=""):
        return self.cluster.list(kind, namespace, label_selector=label_selector)

    def __getattr__(self, verb):
        if verb not in ("create", "update", "delete", "set_finalizers", "set_status"):
            raise AttributeError(verb)

        def call(*arguments):
            self.calls.append(verb)
            if hook := self._hooks.pop(verb, None):
                hook()
            fault = self._faults.get(verb)
            if fault and fault[1] > 0:
                fault[1] -= 1
                raise fault[0]
            return getattr(self.cluster, verb)(*arguments)

        return call
