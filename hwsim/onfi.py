"""The parameter page of NAND flash: what the command ECh reads, and from which firmware learns what part it has.

Offsets are those of the table "Parameter Page Data Structure Definition" in ONFI 1.0, 28 December 2006.  Numbers are
little-endian.  ONFI leaves the bytes from 164 on to the vendor: here they tell how pages are paired, which ONFI has no
field for, and the vendor revision says that they do.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple, get_args

from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.parts import NandPart, Pairing

PAGE_BYTES: Final = 256
SIGNATURE: Final = b"ONFI"
ONFI_1_0: Final = 1 << 1
VENDOR_REVISION: Final = 0xDB01
"""Byte 166 says how pages are paired: by number in PAIRINGS."""
PAIRINGS: Final[tuple[Pairing, ...]] = get_args(Pairing)
ECC_UNIT_BYTES: Final = 512
"""The correctability, byte 112, is in bits per so many bytes."""
MODE_CYCLES_NS: Final = (100, 50, 35, 30, 25, 20)
"""Cycle times tRC and tWC of the timing modes 0 to 5 (ONFI 1.0, table of timing modes)."""

_HEAD: Final = struct.Struct("<4sHHH")
_MAKER: Final = struct.Struct("<12s20sB")
_ORGANIZATION: Final = struct.Struct("<IHIHIIBBBHBBBHBBBBB")
_TIMES: Final = struct.Struct("<BHHHHHH")
_VENDOR: Final = struct.Struct("<HB")
_CRC: Final = struct.Struct("<H")
_HEAD_AT, _MAKER_AT, _ORGANIZATION_AT, _TIMES_AT, _VENDOR_AT, _CRC_AT = 0, 32, 80, 128, 164, 254


class ParameterPageError(HardwareError):
    """These bytes are no parameter page, or a damaged one: firmware reads the next copy."""


class Parameters(NamedTuple):
    """What firmware learns from a parameter page; blocks are of all LUNs."""

    manufacturer: str
    model: str
    page_bytes: int
    spare_bytes: int
    pages_per_block: int
    blocks: int
    planes: int
    bits_per_cell: int
    pairing: Pairing
    partial_programs: int
    ecc_bits: int
    """To be corrected in ECC_UNIT_BYTES."""
    read_page_us: int
    page_program_max_us: int
    block_erase_max_us: int
    endurance_cycles: int
    most_bad_blocks: int
    sure_blocks: int
    """So many blocks from the first on are good when the part is new."""
    column_cycles: int
    row_cycles: int


def parameter_page(part: NandPart) -> bytes:
    """One copy of the parameter page of a part; the part returns it three times or more in a row.

    Endurance is told as a number below 256 and a power of ten, rounded down.  Of what is corrected in a codeword, the
    share of ECC_UNIT_BYTES is told, rounded up.
    """
    page = bytearray(PAGE_BYTES)
    _HEAD.pack_into(page, _HEAD_AT, SIGNATURE, ONFI_1_0, 0, 0)
    _MAKER.pack_into(page, _MAKER_AT, _text(part.manufacturer, 12), _text(part.name, 20), part.id_bytes >> 32)
    value, exponent = _rounded_down(part.endurance_cycles)
    _ORGANIZATION.pack_into(
        page,
        _ORGANIZATION_AT,
        part.page_bytes,
        part.spare_bytes,
        part.page_bytes // part.partial_programs,
        part.spare_bytes // part.partial_programs,
        part.pages_per_block,
        part.blocks,
        1,
        part.column_cycles << 4 | part.row_cycles,
        part.bits_per_cell,
        part.most_bad_blocks,
        value,
        exponent,
        1,
        0,
        part.partial_programs,
        0,
        -(-part.ecc_bits * ECC_UNIT_BYTES // part.codeword_bytes),
        (part.planes - 1).bit_length(),
        0,
    )
    modes = 1 | sum(1 << mode for mode, ns in enumerate(MODE_CYCLES_NS) if ns >= part.bus_byte_ns)
    times = (part.page_program_max_us, part.block_erase_max_us, part.read_page_us)
    _TIMES.pack_into(page, _TIMES_AT, 0, modes, 0, *times, 0)
    _VENDOR.pack_into(page, _VENDOR_AT, VENDOR_REVISION, PAIRINGS.index(part.pairing))
    _CRC.pack_into(page, _CRC_AT, integrity_crc(bytes(page[:_CRC_AT])))
    return bytes(page)


def read_parameters(data: bytes) -> Parameters:
    """What a parameter page says; bytes after its 256 are passed over.

    Raises ParameterPageError if the signature or the CRC is wrong, or if it is of cells with several bits and does not
    say how pages are paired.
    """
    if len(data) < PAGE_BYTES or data[: len(SIGNATURE)] != SIGNATURE:
        raise ParameterPageError(f"no parameter page: it begins with {data[:4]!r}; allowed: {SIGNATURE!r}, 256 bytes")
    (told,) = _CRC.unpack_from(data, _CRC_AT)
    found = integrity_crc(data[:_CRC_AT])
    if told != found:
        raise ParameterPageError(f"a damaged parameter page: its CRC is {told:#06x}, that of its bytes {found:#06x}")
    maker, model, _ = _MAKER.unpack_from(data, _MAKER_AT)
    (
        page_bytes,
        spare_bytes,
        _,
        _,
        pages_per_block,
        blocks_per_lun,
        luns,
        cycles,
        bits_per_cell,
        most_bad_blocks,
        value,
        exponent,
        sure_blocks,
        _,
        partial_programs,
        _,
        ecc_bits,
        plane_bits,
        _,
    ) = _ORGANIZATION.unpack_from(data, _ORGANIZATION_AT)
    _, _, _, page_program_us, block_erase_us, read_page_us, _ = _TIMES.unpack_from(data, _TIMES_AT)
    return Parameters(
        manufacturer=maker.decode("ascii", "replace").rstrip(),
        model=model.decode("ascii", "replace").rstrip(),
        page_bytes=page_bytes,
        spare_bytes=spare_bytes,
        pages_per_block=pages_per_block,
        blocks=blocks_per_lun * luns,
        planes=1 << (plane_bits & 0xF),
        bits_per_cell=bits_per_cell,
        pairing=_pairing(data, bits_per_cell),
        partial_programs=partial_programs,
        ecc_bits=ecc_bits,
        read_page_us=read_page_us,
        page_program_max_us=page_program_us,
        block_erase_max_us=block_erase_us,
        endurance_cycles=value * 10**exponent,
        most_bad_blocks=most_bad_blocks * luns,
        sure_blocks=sure_blocks,
        column_cycles=cycles >> 4,
        row_cycles=cycles & 0xF,
    )


def integrity_crc(data: bytes) -> int:
    """The CRC-16 of a parameter page's first 254 bytes (ONFI 1.0, Integrity CRC): polynomial 8005h, begun with
    4F4Eh."""
    crc = 0x4F4E
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x8005 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def _pairing(data: bytes, bits_per_cell: int) -> Pairing:
    if bits_per_cell == 1:
        return "none"
    revision: int
    number: int
    revision, number = _VENDOR.unpack_from(data, _VENDOR_AT)
    if revision != VENDOR_REVISION or not 0 < number < len(PAIRINGS):
        raise ParameterPageError(f"a parameter page that does not say how pages with {bits_per_cell} bits a cell pair")
    return PAIRINGS[number]


def _text(words: str, width: int) -> bytes:
    return words.encode("ascii", "replace")[:width].ljust(width)


def _rounded_down(count: int) -> tuple[int, int]:
    """A value below 256 and a power of ten, whose product is ``count`` or less."""
    exponent = 0
    while count > 0xFF or (count % 10 == 0 and count):
        count, exponent = count // 10, exponent + 1
    return count, exponent
