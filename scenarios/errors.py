"""The root of this package's exceptions.

Every message says what is wrong, where (file, and key or line), why, and what is allowed instead.
"""


class ScenarioError(Exception):
    """Something that a person handed to `scenarios` cannot be used: a scenario, a trace, a name."""
