"""Where manifest and plugins meet: `Bot`, or every reason why there is none.

values       schemas, defaults, initial configuration
matching     which handler serves what is declared
signatures   do a handler's parameters fit
binder       one manifest with all its handlers: the tables of its sessions
files_only   what the files alone tell, with no plugin imported
bot          the result: an immutable Bot with its generated processor class
"""

from rtvi_plugins.binding.bot import Bot, load_bots

__all__ = ["Bot", "load_bots"]
