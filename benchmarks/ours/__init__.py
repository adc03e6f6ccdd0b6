"""Our own contestants, and the floors beside them: modules that run in processes of their own, as the peers do."""
