"""Scripts that run in the peers' environments, and their pinned requirements. Our side imports `talking` alone."""
