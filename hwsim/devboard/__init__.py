"""A development board: a microcontroller, its system bootloader, and sockets for storage parts on its bus."""
