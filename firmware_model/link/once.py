"""Requests that come twice are answered twice and executed once, at either end that answers any."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deltabench.firmware_model.link.messages import HEAD, Result, answer

Run = Callable[[Callable[[], bytes]], tuple[Result, bytes]]
"""Calls what does a request, and knows what may come of it: the result, and the payload of the answer."""


class Answers:
    """Answers requests one after the other with ``handlers`` by type; remembers the last, for when it was lost."""

    def __init__(self, handlers: Mapping[int, Callable[[bytes], bytes]]) -> None:
        self._handlers = handlers
        self._last = (b"", b"")

    def answer(self, body: bytes, run: Run) -> bytes:
        """The body of the answer to the request ``body``."""
        if body == self._last[0]:
            return self._last[1]
        kind, sequence = HEAD.unpack_from(body)
        handler = self._handlers.get(kind)
        result, payload = Result.UNKNOWN_MESSAGE, b""
        if handler is not None:
            result, payload = run(lambda: handler(body[HEAD.size :]))
        self._last = (body, answer(kind, sequence, result, payload))
        return self._last[1]

    def forget(self) -> None:
        """Whoever asks now has got the last answer: a request like that one is another one."""
        self._last = (b"", b"")
