"""It cannot be imported."""

raise RuntimeError("the dryer is out of order")
