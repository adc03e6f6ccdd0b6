"""Every message and model under its name in Pipecat 0.0.108 and later, whose code says `RTVI.BotReady`."""

from rtvi_plugins.compat.exchange import *  # noqa: F403 - all that its __all__ names
from rtvi_plugins.compat.speech import *  # noqa: F403 - as above
from rtvi_plugins.protocol.frames import RTVIClientMessageFrame as ClientMessage  # noqa: F401 - re-exported
