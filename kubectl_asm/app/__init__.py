"""Run passes, apply Plans, select objects: the steps between ports and the engine."""
