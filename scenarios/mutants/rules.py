"""The rules that firmware must keep, by number as in docs/mutants.md, and what is promised beside them."""

from __future__ import annotations

from typing import Final

DATA_FIRST: Final = "1 data before maps"
ACKNOWLEDGED: Final = "2 acknowledged is durable"
SAVE_POINT: Final = "3 save point untouched"
SECOND_COPY: Final = "4 checked, second copy"
SUSPECT: Final = "5 last operation suspect"
BOUNDED: Final = "6 bounded recovery"
HONEST: Final = "faults are errors, or mended"
WHOLE: Final = "all or nothing"
VERSIONS: Final = "versions come round"
LABELS: Final = "stale device refused"
COMMANDS: Final = "one press, one command"
REMOTE: Final = "remote: once, by key"
