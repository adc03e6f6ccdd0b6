"""The plugin host: the hooks, what they hand over, and the discovery of plugins."""
