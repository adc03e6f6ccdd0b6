"""How many sockets this process and its children may hold."""

from __future__ import annotations

import resource


def allow_sockets(wanted: int) -> int:
    """Raise the soft limit of open files, as far as the hard one lets us. Gives what is allowed now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft
