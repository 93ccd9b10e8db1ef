"""The parameter page of NAND flash, and real ones."""

from __future__ import annotations

import msgspec
import pytest

from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.onfi import ParameterPageError, integrity_crc, parameter_page, read_parameters
from deltabench.hwsim.parts import NandPart, list_parts, load_part

NANDS = [part for part in list_parts() if isinstance(part, NandPart)]


def page_of(first: str, maker: str, organization: str, times: str, vendor: str, crc: str) -> bytes:
    """A parameter page of which only the bytes are given that are not 0."""
    page = bytearray(256)
    for offset, text in ((0, first), (32, maker), (80, organization), (128, times), (164, vendor), (254, crc)):
        data = bytes.fromhex(text)
        page[offset : offset + len(data)] = data
    return bytes(page)


# Of a Hynix H27U2G8F2CTR-BC, as a machine of QEMU's that has one gives it.
H27U2G8F2C = page_of(
    first="4F4E4649 0200 1C00 1B00",
    maker="48594E495820202020202020 483237553247384632435452 2D42432020202020 AD",
    organization="00080000 4000 00020000 1000 40000000 00080000 01 23 01 2800 01 05 01 0000 04 00 01 01 04",
    times="0A 1F00 1F00 BC02 0A00 1900 6400",
    vendor="0000",
    crc="6E68",
)
# Of a Micron MT29F2G08ABBEAHC: nand_flash_ids in hw/block/nand.c of Xilinx's QEMU.
MT29F2G08ABBEA = page_of(
    first="4F4E4649 0200 0000 3F00",
    maker="4D4943524F4E202020202020 4D543239463247303841424245414843 20202020 2C",
    organization="00080000 4000 00020000 1000 40000000 00080000 01 23 01 2800 01 05 01 0000 04 00 04 01 0E",
    times="0A 1F00 1F00 5802 B80B 1900 6400",
    vendor="0100 01000002048001810401 02010A",
    crc="571E",
)


def nand_of(name: str) -> NandPart:
    part = load_part(name)
    assert isinstance(part, NandPart)
    return part


@pytest.mark.parametrize("part", NANDS, ids=lambda part: part.name)
def test_a_parameter_page_tells_firmware_what_the_part_is(part: NandPart) -> None:
    page = parameter_page(part)
    assert len(page) == 256
    told = read_parameters(page * 3)
    for name in set(told._fields) & set(part.__struct_fields__) - {"ecc_bits"}:
        assert getattr(told, name) == getattr(part, name), name
    assert told.model == part.name
    assert told.ecc_bits * part.codeword_bytes == part.ecc_bits * 512
    assert (told.column_cycles, told.row_cycles) == (part.column_cycles, part.row_cycles)
    assert page[64] == part.id_bytes.to_bytes(5, "big")[0]


def test_a_page_is_laid_out_as_real_ones_are() -> None:
    part = msgspec.structs.replace(
        nand_of("MT29F1G08ABADA"), name="MT29F2G08ABBEAHC", manufacturer="MICRON", blocks=2_048, planes=2
    )
    ours = parameter_page(msgspec.structs.replace(part, most_bad_blocks=40, bus_byte_ns=25))
    assert ours[32:65] == MT29F2G08ABBEA[32:65]
    assert ours[80:114] == MT29F2G08ABBEA[80:114]
    assert ours[129:131] == MT29F2G08ABBEA[129:131]
    assert ours[133:139] == MT29F2G08ABBEA[133:139]


@pytest.mark.parametrize("page", [H27U2G8F2C, MT29F2G08ABBEA], ids=["H27U2G8F2C", "MT29F2G08ABBEA"])
def test_real_parameter_pages_are_understood(page: bytes) -> None:
    told = read_parameters(page)
    assert (told.page_bytes, told.spare_bytes, told.pages_per_block, told.blocks) == (2_048, 64, 64, 2_048)
    assert (told.planes, told.bits_per_cell, told.pairing, told.partial_programs) == (2, 1, "none", 4)
    assert (told.endurance_cycles, told.most_bad_blocks, told.sure_blocks) == (100_000, 40, 1)
    assert (told.column_cycles, told.row_cycles, told.read_page_us) == (2, 3, 25)


def test_what_real_parameter_pages_differ_in() -> None:
    hynix, micron = read_parameters(H27U2G8F2C), read_parameters(MT29F2G08ABBEA)
    assert (hynix.manufacturer, hynix.model) == ("HYNIX", "H27U2G8F2CTR-BC")
    assert (micron.manufacturer, micron.model) == ("MICRON", "MT29F2G08ABBEAHC")
    assert (hynix.ecc_bits, hynix.page_program_max_us, hynix.block_erase_max_us) == (1, 700, 10)
    assert (micron.ecc_bits, micron.page_program_max_us, micron.block_erase_max_us) == (4, 600, 3_000)


@pytest.mark.parametrize("bit", [0, 31, 80 * 8, 166 * 8, 253 * 8 + 7, 254 * 8, 255 * 8 + 7])
def test_a_flipped_bit_is_noticed(bit: int) -> None:
    page = bytearray(parameter_page(nand_of("generic-nand")))
    page[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ParameterPageError) as caught:
        read_parameters(bytes(page))
    assert ("no parameter page" if bit < 32 else "CRC") in str(caught.value)
    assert isinstance(caught.value, HardwareError)


def test_a_parameter_page_that_breaks_off_is_refused() -> None:
    with pytest.raises(ParameterPageError, match="256 bytes"):
        read_parameters(parameter_page(nand_of("generic-nand"))[:255])


@pytest.mark.parametrize(("offset", "value"), [(164, 0), (166, 0), (166, 2)])
def test_pages_in_shared_cells_that_nobody_says_how_to_pair_are_refused(offset: int, value: int) -> None:
    page = bytearray(parameter_page(nand_of("generic-mlc")))
    page[offset] = value
    page[254:] = integrity_crc(bytes(page[:254])).to_bytes(2, "little")
    with pytest.raises(ParameterPageError, match="2 bits a cell"):
        read_parameters(bytes(page))


@pytest.mark.parametrize(("cycles", "told"), [(1, 1), (255, 255), (256, 250), (3_000, 3_000), (123_456, 123_000)])
def test_endurance_is_rounded_down(cycles: int, told: int) -> None:
    part = msgspec.structs.replace(nand_of("generic-nand"), endurance_cycles=cycles)
    assert read_parameters(parameter_page(part)).endurance_cycles == told


def test_a_name_that_does_not_fit_is_cut_off() -> None:
    part = msgspec.structs.replace(nand_of("generic-nand"), name="µ" * 30, manufacturer="A" * 13)
    told = read_parameters(parameter_page(part))
    assert (told.model, told.manufacturer) == ("?" * 20, "A" * 12)
