"""`python -m rtvi_plugins` is the command `rtvi`."""

from rtvi_plugins.cli import main

if __name__ == "__main__":
    main()
