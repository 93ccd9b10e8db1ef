"""Boards on a serial line, real or emulated: the bench's end of the link, their power, and scenarios run on them."""
