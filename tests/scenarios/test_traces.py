"""Trace import: each format by a small sample, and what is said about files that cannot be used."""

import gzip
import logging
import lzma
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.traces import FORMATS, Request, TraceError, read_trace

HUGE = 1 << 62
FILES = {"a.db": 0}

BLKPARSE = """\
  8,0    3        1     0.000000000   697  Q   W 223490 + 8 [kjournald]
  8,0    3        2     0.000001829   697  G   W 223490 + 8 [kjournald]
  8,0    3        3     0.000002197   697  P   N [kjournald]
  8,0    3        4     0.000002197   697  m   N cfq697 alloced
  8,0    3        5     0.000019000   697  D   W 223490 + 8 [kjournald]
  8,0    3        6     0.001019500   697  D RSM 16 + 2 (   12000) [cat]
  8,0    3        7     0.002019000   697  D  FN [kworker/3:1H]
  8,0    3        8     0.003019000     0  C   W 223490 + 8 [0]
  8,0    3        9     0.004019000   697  D FWFS 64 + 1 [kworker/3:1H]
  8,0    3       10     0.005019000   697  D  DS 4096 + 1024 [fstrim]
  8,0    3       11     0.006019000   697  D   R 36 (12 00 00 00 24 00 ..) [smartd]
CPU3 (8,0):
 Reads Queued:           1,        1KiB\t Writes Queued:           2,        4KiB

Total (8,0):
Throughput (R/W): 0KiB/s / 9,119KiB/s
"""
MSR = """\
128166372003061629,hm,1,Read,383496192,32768,413
128166372003061639,hm,1,Write,1536,512,100
128166372003061619,hm,1,Write,1000,100,100
"""
MQSIM = "4851300 1 524288 16 0\n4864300 1 524304 16 1\n"
DISKSIM = "0.000000 0 2992396 4 1\n35.942500 0 64 8 10\n40.1 0 72 8 0x11\n"
VALIDATE = """\
R Hit    2992396   4  13670.00000  35942.00000
R Miss   2992400   4    874.00000  37426.00000
W Hit    3865568   8   1971.00000  29108.00000
"""
STRACE = """\
7 1000000000.000001 openat(AT_FDCWD, "\\x61\\x2e\\x64\\x62", O_RDWR|O_CREAT, 0644) = 3
7 1000000000.000011 pwrite64(3, "\\x68\\x69", 2, 510) = 2
7 1000000000.000021 fsync(3)          = 0
"""
SAMPLES = {
    "strace": STRACE,
    "blkparse": BLKPARSE,
    "msr": MSR,
    "mqsim": MQSIM,
    "disksim": DISKSIM,
    "disksim-validate": VALIDATE,
}


def files_for(name: str) -> dict[str, int] | None:
    return FILES if FORMATS[name].needs_files else None


def read(folder: Path, name: str, text: str, **options: object) -> list[Request]:
    path = folder / "trace"
    path.write_text(text)
    chosen = {"volume_sectors": HUGE, "files": files_for(name), **options}
    return read_trace(path, format=name, **chosen)  # type: ignore[arg-type]


def test_every_format_has_a_sample_here_and_a_row_in_the_documentation() -> None:
    assert SAMPLES.keys() == FORMATS.keys()
    text = (Path(__file__).parents[2] / "docs" / "traces.md").read_text()
    for name, chosen in FORMATS.items():
        assert f"| `{name}` | {chosen.description} |" in text


def test_blkparse_gives_what_was_issued_to_the_device_with_flushes_and_fua(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        requests = read(tmp_path, "blkparse", BLKPARSE)
    assert requests == [
        Request("write", 223490, 8, None, time_us=0),
        Request("read", 16, 2, None, time_us=1000),
        Request("flush", 0, 0, None, time_us=2000),
        Request("flush", 0, 0, None, time_us=4000),
        Request("write", 64, 1, None, fua=True, time_us=4000),
    ]
    assert "1 discards left out" in caplog.text


def test_msr_bytes_widen_to_sectors_and_time_never_goes_back(tmp_path: Path) -> None:
    assert read(tmp_path, "msr", MSR) == [
        Request("read", 749016, 64, None, time_us=0),
        Request("write", 3, 1, None, time_us=1),
        Request("write", 1, 2, None, time_us=1),
    ]


def test_msr_may_begin_with_the_names_of_its_columns(tmp_path: Path) -> None:
    header = "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n"
    assert len(read(tmp_path, "msr", header + MSR)) == 3


def test_mqsim_type_0_is_a_write_and_1_a_read(tmp_path: Path) -> None:
    assert read(tmp_path, "mqsim", MQSIM) == [
        Request("write", 524288, 16, None, time_us=0),
        Request("read", 524304, 16, None, time_us=13),
    ]


def test_disksim_flags_are_hexadecimal_and_bit_0_is_a_read(tmp_path: Path) -> None:
    assert read(tmp_path, "disksim", DISKSIM) == [
        Request("read", 2992396, 4, None, time_us=0),
        Request("write", 64, 8, None, time_us=35942),
        Request("read", 72, 8, None, time_us=40100),
    ]


def test_disksim_validate_counts_the_interarrival_from_the_end_of_the_request_before(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, "disksim-validate", VALIDATE) == [
        Request("read", 2992396, 4, None, time_us=0),
        Request("read", 2992400, 4, None, time_us=13670 + 35942),
        Request("write", 3865568, 8, None, time_us=13670 + 35942 + 874 + 37426),
    ]


@pytest.mark.parametrize(
    ("name", "line", "what"),
    [
        ("blkparse", BLKPARSE.splitlines()[4].replace("8,0", "8,16"), "second device, 8,16"),
        ("msr", "128166372003061629,hm,2,Read,0,512,413", "second disk, hm,2"),
        ("disksim", "50.0 1 64 8 1", "second device, 1"),
    ],
)
def test_a_second_device_in_one_trace_is_an_error(tmp_path: Path, name: str, line: str, what: str) -> None:
    lines = SAMPLES[name].splitlines()[:5]
    with pytest.raises(TraceError, match=what):
        read(tmp_path, name, "\n".join([*lines, line]))


@pytest.mark.parametrize("name", FORMATS)
def test_a_malformed_line_is_named_by_file_and_number_with_what_was_expected(tmp_path: Path, name: str) -> None:
    first = SAMPLES[name].splitlines()[0]
    with pytest.raises(TraceError, match=r"trace:3: expected .*the line is 'no such line'"):
        read(tmp_path, name, f"{first}\n\nno such line\n")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("mqsim", "4851300 1 524288 0 0"),
        ("mqsim", "4851300 1 524288 16 2"),
        ("disksim", "0.0 0 64 0 1"),
        ("disksim-validate", "R Hit 64 0 1.0 1.0"),
        ("msr", "128166372003061629,hm,1,Read,0,0,413"),
        ("blkparse", "8,0 3 5 0.000019000 697 D W 223490 + 0 [x]"),
        ("blkparse", "8,0 3 5 0.000019000 697 D X 223490 + 8 [x]"),
        ("blkparse", "8,0 3 5 0.000019000 697 D W nothing"),
    ],
)
def test_a_value_that_no_request_can_have_is_an_error(tmp_path: Path, name: str, line: str) -> None:
    with pytest.raises(TraceError, match=r"trace:1: expected"):
        read(tmp_path, name, line)


def test_a_request_beyond_the_volume_says_which_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        TraceError,
        match=r"trace:2: a write of 3 sectors at LBA 98 reaches beyond the volume of 100 sectors; "
        r"raise units or sectors_per_unit to a volume of at least 101 sectors, or fold .*--wrap on the command line",
    ):
        read(tmp_path, "mqsim", "0 0 97 3 0\n0 0 98 3 0\n", volume_sectors=100)


def test_wrap_folds_a_request_and_splits_it_at_the_end_of_the_volume(tmp_path: Path) -> None:
    text = "0 0 298 3 0\n0 0 100 5 1\n"
    assert read(tmp_path, "mqsim", text, volume_sectors=100, wrap=True) == [
        Request("write", 98, 2, None),
        Request("write", 0, 1, None),
        Request("read", 0, 5, None),
    ]


def test_wrap_splits_content_with_the_request(tmp_path: Path) -> None:
    text = STRACE.replace("510)", "511)")
    requests = read(tmp_path, "strace", text, volume_sectors=2, wrap=True, files={"a.db": 1})
    assert requests == [
        Request("write", 1, 1, (bytes(511) + b"h",), time_us=0),
        Request("write", 0, 1, (b"i" + bytes(511),), time_us=0),
        Request("flush", 0, 0, None, time_us=10),
    ]


def test_wrap_does_not_shrink_a_request_larger_than_the_volume(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="larger than the whole volume of 4 sectors"):
        read(tmp_path, "mqsim", "0 0 0 999999999999 0", volume_sectors=4, wrap=True)


def test_limit_stops_after_so_many_requests_and_does_not_read_on(tmp_path: Path) -> None:
    assert len(read(tmp_path, "mqsim", MQSIM + "garbage", limit=2)) == 2


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_a_packed_trace_reads_like_a_plain_one(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix == "gz" else lzma.compress
    path = tmp_path / f"trace.{suffix}"
    path.write_bytes(pack(MQSIM.encode()))
    plain = read(tmp_path, "mqsim", MQSIM)
    assert read_trace(path, format="mqsim", volume_sectors=HUGE) == plain


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_a_packed_trace_that_is_cut_short_or_damaged_is_an_error(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix == "gz" else lzma.compress
    whole = pack(MQSIM.encode() * 500)
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    path = tmp_path / f"trace.{suffix}"
    for content in (whole[:-20], whole[:12], bytes(damaged), b"not packed at all"):
        path.write_bytes(content)
        with pytest.raises(TraceError, match=rf"trace\.{suffix}"):
            read_trace(path, format="mqsim", volume_sectors=HUGE)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"format": "spc"}, r"no format 'spc'; there are strace, blkparse, .*disksim-validate"),
        ({"volume_sectors": 0}, "at least 1"),
        ({"limit": 0}, "at least 1"),
        ({"files": FILES}, "`files` is for strace"),
        ({"format": "strace"}, "needs `files`"),
        ({"format": "strace", "files": {"a.db": -1}}, "puts a.db at LBA -1"),
        ({"format": "strace", "files": {"a.db": HUGE}}, "puts a.db at LBA"),
    ],
)
def test_arguments_that_cannot_be_met_are_errors(tmp_path: Path, options: dict[str, object], what: str) -> None:
    path = tmp_path / "trace"
    path.write_text(MQSIM)
    chosen = {"format": "mqsim", "volume_sectors": HUGE, **options}
    with pytest.raises(TraceError, match=what):
        read_trace(path, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"0 0 1 1 0\n\xff\xfe\n"])
def test_an_empty_or_binary_file_is_an_error_of_this_package(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match="trace"):
        read_trace(path, format="mqsim", volume_sectors=HUGE)


def test_a_file_that_is_not_there_or_is_a_folder_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path, Path("nul\0name")):
        with pytest.raises(TraceError, match="cannot be read"):
            read_trace(path, format="mqsim", volume_sectors=HUGE)


def read_or_refuse(path: Path, name: str, wrap: bool) -> None:
    try:
        requests = read_trace(path, format=name, volume_sectors=1000, wrap=wrap, files=files_for(name))
    except TraceError:
        return
    for request in requests:
        assert 0 <= request.lba <= request.lba + request.count <= 1000
        assert (request.count == 0) == (request.kind == "flush")
        assert request.data is None or [len(s) for s in request.data] == [512] * request.count


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(max_size=200), wrap=st.booleans())
def test_no_text_whatever_gives_anything_but_requests_or_a_trace_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, text: str, wrap: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / f"text-{name}"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    read_or_refuse(path, name, wrap)


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 1 << 32), wrap=st.booleans())
def test_no_damage_to_a_good_trace_gives_anything_but_requests_or_a_trace_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int, wrap: bool
) -> None:
    rng = random.Random(seed)
    text = SAMPLES[name]
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        piece = rng.choice(['"', ",", ")", "(", "-", "99999999999999999", "\\", "[", " = ", "x", ""])
        text = text[:at] + piece + text[at + rng.randint(0, 3) :]
    path = tmp_path_factory.getbasetemp() / f"damaged-{name}"
    path.write_text(text)
    read_or_refuse(path, name, wrap)


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
@given(content=st.binary(max_size=200))
def test_no_bytes_whatever_give_anything_but_a_trace_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"bytes{suffix}"
    path.write_bytes(content)
    read_or_refuse(path, "mqsim", False)
