"""Another taxi."""
