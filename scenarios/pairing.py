"""The key that a board and its handheld remote share: where a run has it from.

A key is a secret of a device, so that no scenario file can hold one.  A person's own comes from the environment, or
from a file that the environment names.  Without either, a run pairs board and remote with a key that is made from the
scenario's seed: everybody can make it, and it protects nothing, but it is the same in every process and every replay.
No verdict, count or crash id depends on which key it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deltabench.scenarios.errors import ScenarioError

KEY: Final = "DELTABENCH_REMOTE_KEY"
KEY_FILE: Final = "DELTABENCH_REMOTE_KEY_FILE"
LEAST_BYTES: Final = 16
MOST_BYTES: Final = 64
"""The block of SHA-256: of a longer key, HMAC uses a hash."""
_MOST_FILE_BYTES: Final = 4096


def pairing_key(seed: int, environment: Mapping[str, str] = os.environ) -> bytes:
    """The key of a run; raises ScenarioError, which never shows a key, for one that cannot be used."""
    text, path = environment.get(KEY), environment.get(KEY_FILE)
    if text and path:
        raise ScenarioError(f"{KEY} and {KEY_FILE} are both set; a device has one key: unset one of them")
    if text:
        return _key(text, KEY)
    if path:
        return _key(_read(path), f"{KEY_FILE} = {path!r}")
    return hashlib.sha256(f"deltabench simulated pairing {seed}".encode()).digest()


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MOST_FILE_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise ScenarioError(f"{KEY_FILE} = {path!r}: cannot be read: {error.strerror}") from error


def _key(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise ScenarioError(
            f"{where}: is not hexadecimal; allowed: {LEAST_BYTES} to {MOST_BYTES} bytes, two digits each"
        ) from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ScenarioError(f"{where}: is a key of {len(key)} bytes; allowed: {LEAST_BYTES} to {MOST_BYTES}")
    return key
