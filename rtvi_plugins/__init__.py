"""Bots assembled from YAML manifests, speaking RTVI."""
