"""Floor 1, the hardware: media, power, clock, pins, serial lines, boards and real parts."""
