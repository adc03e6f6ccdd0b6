"""What is measured: a module for each subject, with `measure(plan) -> list[Line]`."""
