"""What the emulator and single templates need of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_asm.adapters.system import utc_now
from kubectl_asm.app.templating import template_environments
from kubectl_asm.wiring.world import World

if TYPE_CHECKING:
    from kubectl_asm.emulator.options import World as EmulatorWorld
    from kubectl_asm.gotemplate import Environment


def emulator_world(world: World) -> EmulatorWorld:
    """Return time and randomness for an emulator."""
    from kubectl_asm.emulator.options import World as EmulatorWorld

    return EmulatorWorld(utc_now, world.clock.monotonic, world.clock.wait, world.random.token)


def template_environment(world: World) -> Environment:
    """Return the Environment of one stand-alone template execution."""
    return template_environments(world.random, world.clock)(utc_now())
