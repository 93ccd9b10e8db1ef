"""Floor 4, what a person types: the `deltabench` command and what it prints and writes."""
