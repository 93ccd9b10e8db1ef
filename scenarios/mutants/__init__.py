"""Broken twins of our firmware: each makes one mistake that real firmware makes, and the bench must catch each."""
