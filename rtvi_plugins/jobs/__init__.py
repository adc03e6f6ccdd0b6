"""Long actions: what runs them (`base`, `local`), and several of them reported as one group (`group`, `pacing`)."""
