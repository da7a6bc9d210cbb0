"""Everything that touches the world: cluster, cloud, files, clock, randomness. Takes no decisions."""
