"""The console: a web page on which people see and try a bot. Its source is in `console/`, `make console` builds it."""
