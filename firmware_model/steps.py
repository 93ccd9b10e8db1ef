"""What the firmware's steps cost: the one table of cycles, from which docs/measuring.md is made, too.

Approximate, for a Cortex-M4 that runs compiled C from flash with its accelerator on: instructions of the inner loop,
counted by hand with the timings of the Cortex-M4 Technical Reference Manual (ARM DDI 0439B, table 3-1: loads 2 cycles,
or 1 where pipelined, taken branches 1 + 1 to 3).  Data of sectors moves by DMA and costs no cycles of its own.
"""

from __future__ import annotations

from typing import Final

from deltabench.hwsim.core import Step

COMMAND: Final = Step("command", 600, 0, "command", "interrupt, task file read and decoded, response written")
SECTOR: Final = Step("host sectors", 80, 12, "sector", "DMA with the host set up, and followed sector by sector")
DIRECT_READ: Final = Step("direct reads", 60, 24, "unit", "VSM and DDM looked up, read from the primary")
REDIRECTED_READ: Final = Step("redirected reads", 60, 24, "unit", "VSM and DDM looked up, read from the secondary")
REDIRECT: Final = Step("redirected writes", 120, 40, "unit", "a write is split into units, each to its secondary")
FIRST_WRITE: Final = Step("first writes", 40, 16, "unit", "DDM bits set")
COPY: Final = Step("copies on first write", 160, 30, "sector", "a partly written unit is completed from its primary")
COPIED: Final = Step("copies written", 0, 0, "sector", "copies are durable; what they cost stands above")
MAP_WORDS: Final = Step("map words", 40, 8, "32-bit word", "VSM or DDM gone through: two loads, an operation, a store")
MAP_ENTRIES: Final = Step("map entries", 40, 14, "unit", "version of a unit compared, its bits brought up to date")
ATOM: Final = Step("atoms written", 150, 2, "byte", "a record or slot built")
CRC: Final = Step("CRC", 20, 8, "byte", "CRC-32 by a table of 256 words")
COMPACTION: Final = Step("compactions", 400, 2, "byte", "a checkpoint built")
RELABEL: Final = Step("labels renewed", 60, 400, "label", "a device label built, its CRC included")
TRANSLATE: Final = Step("pages translated", 60, 40, "page", "the map of the translation layer looked up or changed")
PAGE: Final = Step("pages written", 0, 120, "page", "a page for the host: spare bytes built, their CRC included")
COLLECT: Final = Step("blocks collected", 300, 0, "block", "garbage collection: the block with the fewest valid pages")
COLLECTED: Final = Step("pages collected", 0, 160, "page", "a valid page moved by garbage collection")
LEVELLED: Final = Step("pages levelled", 0, 160, "page", "a page moved by static wear levelling")
SCRUBBED: Final = Step("pages scrubbed", 0, 160, "page", "a page written anew before it is beyond correction")
RECOVERED: Final = Step("pages recovered", 0, 160, "page", "a page written once more by a mount, with a checkpoint")
EVACUATED: Final = Step("pages evacuated", 0, 160, "page", "a page moved out of a block that has failed")
CHECKPOINTED: Final = Step("checkpoint pages", 600, 2500, "page", "a checkpoint built, its CRC included")
MOUNT: Final = Step("blocks scanned", 400, 200, "block", "headers read at mount, sorted by sequence")
REPLAY: Final = Step("pages replayed", 0, 160, "page", "the log after the checkpoint, page by page")
SAVE: Final = Step("saves", 60, 0, "save", "a save begun")
RESTORE: Final = Step("restores", 60, 0, "restore", "a restore begun")
TAG: Final = Step("tags", 400, 10240, "tag", "a frame's HMAC-SHA-256: four blocks of 64 bytes, 40 cycles a byte")

STEPS: Final = (
    COMMAND, SECTOR, DIRECT_READ, REDIRECTED_READ, REDIRECT, FIRST_WRITE, COPY, COPIED, MAP_WORDS, MAP_ENTRIES, ATOM,
    CRC, COMPACTION, RELABEL, TRANSLATE, PAGE, COLLECT, COLLECTED, LEVELLED, SCRUBBED, RECOVERED, EVACUATED,
    CHECKPOINTED, MOUNT, REPLAY, SAVE, RESTORE, TAG,
)  # fmt: skip


def words(units: int) -> int:
    """32-bit words that hold a bit for each of ``units``."""
    return -(-units // 32)


def as_markdown() -> str:
    """The table of docs/measuring.md."""
    from deltabench.hwsim.meter import DRIVER

    lines = ["| step | cycles | and for each | what is done |", "| --- | --- | --- | --- |"]
    for step in (*STEPS, DRIVER):
        each = f"{step.each_cycles} a {step.unit}" if step.each_cycles else ""
        lines.append(f"| {step.name} | {step.base_cycles} | {each} | {step.meaning} |")
    return "\n".join(lines) + "\n"
