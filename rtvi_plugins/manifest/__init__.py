"""The manifest language: models, YAML with positions, loading."""
