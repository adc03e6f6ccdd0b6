"""What the results look like: `docs/performance.md` and its plots, written from `benchmarks/results/` alone."""
