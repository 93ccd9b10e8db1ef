"""Images of a device's memory: built from a scenario or from files, written, read, decoded, compared, taken apart."""
