"""What a running ack-secret-manager was started with: plain arguments, names of its environment, image. No decisions.

Values of the environment may be AccessKeys, so none leaves this module but WATCH_NAMESPACE.
Source: spec/operation.md 1; spec/controller.md 1 to 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from kubectl_asm.adapters.kube.reader import KubeReader
from kubectl_asm.model.objects import KubeObject, Resource

CONTROLLER_NAME = "ack-secret-manager"
WATCH_VARIABLE = "WATCH_NAMESPACE"
OWN_LABELS = "app.kubernetes.io/name=kubectl-asm,app.kubernetes.io/component=controller"


class _Variable(msgspec.Struct, frozen=True):
    name: str = ""
    value: str = ""

    def __repr__(self) -> str:
        return f"_Variable({self.name}, ***)"


class _Container(msgspec.Struct, frozen=True):
    name: str = ""
    image: str = ""
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: tuple[_Variable, ...] | None = None


class _PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    containers: tuple[_Container, ...] = ()
    service_account_name: str = ""


class _PodTemplate(msgspec.Struct, frozen=True):
    spec: _PodSpec = _PodSpec()


class _DeploymentSpec(msgspec.Struct, frozen=True):
    template: _PodTemplate = _PodTemplate()


class Deployment(KubeObject, frozen=True, rename="camel"):
    """apps/v1 Deployment, as far as it tells how a controller was started."""

    RESOURCE: ClassVar[Resource] = Resource("Deployment", "apps/v1", "deployments", True)

    spec: _DeploymentSpec = _DeploymentSpec()


@dataclass(frozen=True, slots=True)
class ControllerDeployment:
    """How a controller runs. args: command and arguments in order; tag: of the image, empty when it has none.

    env_names: names only. watch_namespace: plain value of WATCH_NAMESPACE, empty when absent or taken from elsewhere.
    """

    namespace: str
    name: str
    image: str
    tag: str
    args: tuple[str, ...]
    env_names: tuple[str, ...]
    watch_namespace: str
    service_account: str


def read_deployment(reader: KubeReader, namespace: str, name: str) -> ControllerDeployment:
    """Return what one Deployment was started with; raises ClusterError."""
    return _described(reader.get(Deployment, namespace, name))


def find_deployments(reader: KubeReader) -> tuple[ControllerDeployment, ...]:
    """Return the Deployments that look like ack-secret-manager, by name, else by image. Raises ClusterError.

    The search by name is one small request; only when it finds nothing are all Deployments looked at.
    """
    named = reader.list(Deployment, field_selector=f"metadata.name={CONTROLLER_NAME}")
    found = named or [one for one in reader.list(Deployment) if _controller(one) is not None]
    return tuple(_described(one) for one in found)


def find_own_deployments(reader: KubeReader, namespace: str) -> tuple[ControllerDeployment, ...]:
    """Return the Deployments of a namespace that carry the labels of our controller. Raises ClusterError."""
    return tuple(_described(one) for one in reader.list(Deployment, namespace, label_selector=OWN_LABELS))


def _controller(deployment: Deployment) -> _Container | None:
    """Return the container that runs the controller."""
    containers = deployment.spec.template.spec.containers
    return next((one for one in containers if CONTROLLER_NAME in one.image.partition("@")[0].rpartition("/")[2]), None)


def _described(deployment: Deployment) -> ControllerDeployment:
    pod = deployment.spec.template.spec
    container = _controller(deployment) or next(iter(pod.containers), _Container())
    variables = container.env or ()
    return ControllerDeployment(
        deployment.namespace,
        deployment.name,
        container.image,
        _tag(container.image),
        (*(container.command or ()), *(container.args or ())),
        tuple(variable.name for variable in variables),
        next((variable.value for variable in variables if variable.name == WATCH_VARIABLE), ""),
        pod.service_account_name,
    )


def _tag(image: str) -> str:
    """Return the tag of an image reference; a colon before the last slash belongs to a port."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]
