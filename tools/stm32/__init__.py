"""Flashing a microcontroller over a serial line: the client of the STM32 system bootloader."""
