"""One session of a bot: what arrives, what may be done now, what is answered. No sockets, no server, no Pipecat."""
