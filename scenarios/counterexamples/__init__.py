"""Counterexamples: made as small as they can be, explained, and shown over time."""
