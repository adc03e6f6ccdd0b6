"""Tool calls as providers stream them: what this responder shares with Pipecat's LLM services."""

from rtvi_plugins.llm.calls import ToolCall, UnfitError

__all__ = ["ToolCall", "UnfitError"]
