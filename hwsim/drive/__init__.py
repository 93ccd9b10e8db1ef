"""A disk drive's time: where its sectors lie, how its arm and platters move, what its buffer hides."""
