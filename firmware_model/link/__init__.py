"""What the firmware says over a serial line, and how it is packed."""
