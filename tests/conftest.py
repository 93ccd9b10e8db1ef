"""Settings that every test shares."""

from hypothesis import settings

# The same examples in every run, however slow the machine: a test that fails here fails everywhere.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")
