"""Wear over simulated years, at speed: the endurance kernel, and what is concluded from it."""
