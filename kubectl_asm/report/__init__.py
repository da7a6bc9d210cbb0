"""Writers of output: one form a file, all fed with finished values and never with secret bytes."""
