"""The RTVI wire: messages, frames, versions. No sockets here."""
