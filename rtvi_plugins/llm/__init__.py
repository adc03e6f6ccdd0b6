"""What both hosts do alike with a language model: its tool calls, their results, its failures, in the same words.

Nothing here knows of sessions, hosts or pipelines.
"""
