"""One response of the model while it is streamed: what this responder shares with Pipecat's LLM services."""

from rtvi_plugins.llm.reply import Reply

__all__ = ["Reply"]
