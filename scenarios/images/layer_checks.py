"""Checks of translation layers, each of which yields the places where a structural rule is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deltabench.scenarios.images.decode import Decoded
from deltabench.scenarios.images.flash_pages import COPY, DATA
from deltabench.scenarios.images.layer import Layer, has_more
from deltabench.scenarios.images.store_checks import Faults


def _layers(decoded: Decoded) -> Iterator[Layer]:
    """Those that a mount does not refuse."""
    return (layer for layer in decoded.layers if layer is not None and not layer.seen.fault)


def checkpoint_counts(decoded: Decoded) -> Faults:
    for layer in decoded.layers:
        if layer is not None and layer.seen.fault:
            yield f"{layer.seen.device}: {layer.seen.fault}"


def checkpoint_settled(decoded: Decoded) -> Faults:
    for layer in _layers(decoded):
        checkpoint = layer.seen.checkpoint
        assert checkpoint is not None, "a layer without fault has one"
        if not checkpoint.settled:
            yield f"{layer.seen.device}: no page of the second copy of its checkpoint can be read, and no data name it"


def log_ends_whole(decoded: Decoded) -> Faults:
    for layer in _layers(decoded):
        if layer.seen.log_torn:
            yield f"{layer.seen.device}: the last of {layer.seen.log_pages} pages"


def sequences_differ(decoded: Decoded) -> Faults:
    for layer in _layers(decoded):
        valid = {block.number for block in layer.seen.blocks if block.valid}
        # A header that a cut has left unstable may not be read by the mount that opens the next block, and later be.
        valid |= {head.block for head in layer.counting if has_more(layer.pages, layer.flash, head.block)}
        counting = [head for head in layer.heads if head.block in valid]
        for sequence, count in Counter(head.sequence for head in counting).items():
            if count > 1:
                blocks = ", ".join(str(head.block) for head in counting if head.sequence == sequence)
                yield f"{layer.seen.device}: blocks {blocks} have sequence {sequence}"


def map_names_pages(decoded: Decoded) -> Faults:
    for layer in _layers(decoded):
        for logical in layer.stray:
            yield f"{layer.seen.device}: logical page {logical} is where no data can be"
        twice = Counter(layer.map.values())
        for page in (page for page, count in twice.items() if count > 1):
            logical_pages = ", ".join(str(logical) for logical, at in layer.map.items() if at == page)
            yield f"{layer.seen.device}: logical pages {logical_pages} are all at page {page}"


def pages_name_themselves(decoded: Decoded) -> Faults:
    for layer in _layers(decoded):
        for logical, number in layer.map.items():
            spare = layer.pages[number].spare
            if spare is not None and (spare.kind not in (DATA, COPY) or spare.subject != logical):
                yield f"{layer.seen.device}: page {number} is not of logical page {logical}, which the map has there"


def bad_blocks_are_empty(decoded: Decoded) -> Faults:
    for layer in _layers(decoded):
        for block in layer.seen.blocks:
            if block.role == "bad" and block.valid:
                yield f"{layer.seen.device}: block {block.number} is bad, and {block.valid} of its pages count"


def free_blocks_are_empty(decoded: Decoded) -> Faults:
    for layer in _layers(decoded):
        for block in layer.given_up:
            yield f"{layer.seen.device}: the checkpoint calls block {block} free, and its map names pages there"
