"""Atom stores: arrays of small cells whose writes are atomic and durable, over each kind of medium."""
