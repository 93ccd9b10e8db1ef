"""The scenario library: every row of the figures and every rule, as scenario files."""
