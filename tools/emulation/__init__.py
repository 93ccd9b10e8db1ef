"""An emulated board at the end of a serial line of this machine: a pseudo-terminal, or a TCP port."""
