"""What hosts have in common: who may come in, and what a client settles before its session. No sockets here."""
