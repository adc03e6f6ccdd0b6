"""Its entry point names an object that is not here."""
