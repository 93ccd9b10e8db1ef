"""Import of strace output: descriptors, positions, sectors, and what it refuses to guess."""

from pathlib import Path

import pytest

from deltabench.scenarios.traces import SECTOR_BYTES, Request, TraceError, read_trace

FILES = {"disk.img": 0, "log.db": 8}
VOLUME_SECTORS = 16
OPEN = 'openat(AT_FDCWD, "log.db", O_RDWR|O_CREAT, 0644) = 3\n'


def read(folder: Path, text: str, files: dict[str, int] | None = None) -> list[Request]:
    path = folder / "trace"
    path.write_text(text)
    return read_trace(path, format="strace", volume_sectors=VOLUME_SECTORS, files=files or {"log.db": 8})


def image(requests: list[Request]) -> bytes:
    """Return what the volume holds after `requests`, from LBA 8 on."""
    volume = bytearray(VOLUME_SECTORS * SECTOR_BYTES)
    for request in requests:
        if request.kind == "write":
            assert request.data is not None
            start = request.lba * SECTOR_BYTES
            volume[start : start + request.count * SECTOR_BYTES] = b"".join(request.data)
    return bytes(volume[8 * SECTOR_BYTES :])


def extents(requests: list[Request]) -> list[tuple[str, int, int]]:
    return [(request.kind, request.lba, request.count) for request in requests]


def test_bytes_become_whole_sectors_with_the_content_so_far_around_them(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        OPEN
        + 'pwrite64(3, "\\x41\\x42\\x43", 3, 0) = 3\n'
        + 'pwrite64(3, "\\x64\\x65", 2, 1) = 2\n'
        + 'pwrite64(3, "\\x66\\x67", 2, 511) = 2\n',
    )
    assert extents(requests) == [("write", 8, 1), ("write", 8, 1), ("write", 8, 2)]
    assert requests[0].data == (b"ABC" + bytes(509),)
    assert requests[2].data == (b"Ade" + bytes(508) + b"f", b"g" + bytes(511))


def test_every_string_style_of_strace_gives_the_same_bytes(tmp_path: Path) -> None:
    octal = r"\0\7\101\"\\" + r"\n\t\377" + "1"
    mixed = r"\x00\x07A\x22\x5c\n\t\xff1"
    for literal in (octal, mixed):
        requests = read(tmp_path, OPEN + f'write(3, "{literal}", 9) = 9\n')
        assert image(requests)[:9] == b'\0\7A"\\\n\t\xff1'


def test_positions_follow_write_read_and_lseek_and_are_shared_by_dup(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        OPEN
        + 'write(3, "ab", 2) = 2\n'
        + "dup(3) = 4\n"
        + 'write(4, "cd", 2) = 2\n'
        + "lseek(3, 1, SEEK_SET) = 1\n"
        + 'read(4, "b", 1) = 1\n'
        + 'write(3, "X", 1) = 1\n'
        + "fcntl(4, F_DUPFD_CLOEXEC, 10) = 10\n"
        + "close(4) = 0\n"
        + 'write(10, "Y", 1) = 1\n'
        + 'write(4, "not a mapped file any more", 26) = 26\n',
    )
    assert image(requests)[:5] == b"abXY\0"
    assert [r.kind for r in requests].count("read") == 1


def test_a_vector_is_one_request_and_only_what_was_transferred_counts(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        OPEN
        + 'writev(3, [{iov_base="ab", iov_len=2}, {iov_base="c, d]", iov_len=5}], 2) = 6\n'
        + 'pwritev(3, [{iov_base="Z", iov_len=1}], 1, 0) = 1\n'
        + 'preadv(3, [{iov_base="Zb", iov_len=2}, {iov_base="c,", iov_len=2}], 2, 0) = 4\n',
    )
    assert image(requests)[:7] == b"Zbc, d\0"
    assert extents(requests) == [("write", 8, 1), ("write", 8, 1), ("read", 8, 1)]


def test_append_writes_at_the_end_wherever_the_position_is(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        OPEN.replace("O_CREAT", "O_CREAT|O_APPEND")
        + 'write(3, "ab", 2) = 2\n'
        + "lseek(3, 0, SEEK_SET) = 0\n"
        + 'write(3, "cd", 2) = 2\n'
        + 'pwrite64(3, "ef", 2, 0) = 2\n',
    )
    assert image(requests)[:7] == b"abcdef\0"


def test_fsync_is_a_flush_and_synchronous_writes_are_fua(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        OPEN
        + 'openat(AT_FDCWD, "log.db", O_WRONLY|O_DSYNC) = 4\n'
        + 'openat(AT_FDCWD, "other", O_RDONLY) = 5\n'
        + 'write(3, "a", 1) = 1\nfsync(3) = 0\nfdatasync(5) = 0\n'
        + 'write(4, "b", 1) = 1\n'
        + 'pwritev2(3, [{iov_base="c", iov_len=1}], 1, 0, RWF_DSYNC) = 1\n'
        + "fdatasync(3) = -1 EIO (Input/output error)\nsync() = 0\n",
    )
    assert [(r.kind, r.fua) for r in requests] == [
        ("write", False),
        ("flush", False),
        ("write", True),
        ("write", True),
        ("flush", False),
    ]


def test_what_a_file_gives_up_reads_as_zeros_on_the_volume(tmp_path: Path) -> None:
    text = OPEN + f'pwrite64(3, "{"x" * 1500}", 1500, 0) = 1500\n'
    for more, left in (
        ("ftruncate(3, 600) = 0\n", b"x" * 600),
        ('truncate("log.db", 0) = 0\n', b""),
        ('unlink("./log.db") = 0\n', b""),
        ('openat(AT_FDCWD, "log.db", O_WRONLY|O_TRUNC) = 4\n', b""),
        ("fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 0, 1499) = 0\n", bytes(1499) + b"x"),
        ("fallocate(3, FALLOC_FL_ZERO_RANGE, 100, 99999999999) = 0\n", b"x" * 100),
        ("fallocate(3, 0, 0, 99999999999) = 0\n", b"x" * 1500),
        ("ftruncate(3, 99999999999) = 0\n", b"x" * 1500),
    ):
        content = image(read(tmp_path, text + more))
        assert content == left.ljust(len(content), b"\0"), more


def test_times_are_microseconds_from_the_first_request_also_past_midnight(tmp_path: Path) -> None:
    writes = [
        '23:59:59.999000 write(3, "a", 1) = 1 <0.000005>\n',
        '00:00:00.000500 write(3, "b", 1) = 1 <0.000005>\n',
    ]
    requests = read(tmp_path, "23:59:59.000001 " + OPEN + "".join(writes))
    assert [request.time_us for request in requests] == [0, 1500]


def test_a_call_in_two_parts_counts_where_it_returns(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        "7 " + OPEN + "7 clone3({flags=CLONE_VM|CLONE_FILES, exit_signal=0}, 88) = 8\n"
        '7 pwrite64(3, "aaa", 3, 0 <unfinished ...>\n'
        '8 pwrite64(3, "b", 1, 1) = 1\n'
        "8 fsync(3 <unfinished ...>\n"
        "7 <... pwrite64 resumed>)           = 3\n"
        "8 <... fsync resumed>)              = 0\n"
        "8 futex(0x7f, FUTEX_WAIT, 1, NULL <unfinished ...>) = ?\n"
        "8 +++ exited with 0 +++\n"
        "7 --- SIGCHLD {si_signo=SIGCHLD} ---\n"
        "7 exit_group(0)                     = ?\n",
    )
    assert extents(requests) == [("write", 8, 1), ("write", 8, 1), ("flush", 0, 0)]
    assert image(requests)[:4] == b"aaa\0"


def test_a_fork_copies_descriptors_but_shares_positions(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        "7 " + OPEN + '7 write(3, "ab", 2) = 2\n'
        "7 vfork( <unfinished ...>\n"
        '8 write(3, "cd", 2) = 2\n'
        "8 close(3) = 0\n"
        '8 write(3, "to a socket", 11) = 11\n'
        "7 <... vfork resumed>) = 8\n"
        '7 write(3, "ef", 2) = 2\n',
    )
    assert image(requests)[:7] == b"abcdef\0"


def test_execve_closes_what_was_opened_to_be_closed_then(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        OPEN.replace("O_CREAT", "O_CREAT|O_CLOEXEC")
        + 'write(3, "ab", 2) = 2\ndup2(3, 1) = 1\n'
        + 'execve("/bin/true", ["true"], 0x7ffd /* 9 vars */) = 0\n'
        + 'write(3, "to a pipe", 9) = 9\nwrite(1, "cd", 2) = 2\n'
        + 'close_range(0, 4294967295, 0) = 0\nwrite(1, "no", 2) = 2\n',
    )
    assert image(requests)[:5] == b"abcd\0"


def test_a_descriptor_of_unknown_origin_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"trace:2: descriptor 3 may be log.db.*record clone"):
        read(tmp_path, "7 " + OPEN + '8 write(3, "a", 1) = 1\n')


def test_paths_of_descriptors_as_printed_with_y_do_no_harm(tmp_path: Path) -> None:
    text = OPEN.replace("AT_FDCWD", "AT_FDCWD</home/a, b>").replace("= 3", "= 3</home/a, b/log.db>")
    requests = read(tmp_path, text + 'pwrite64(3</home/a, b/log.db>, "hi", 2, 0) = 2\n')
    assert image(requests)[:3] == b"hi\0"


def test_the_longest_name_that_fits_a_path_says_which_file_it_is(tmp_path: Path) -> None:
    text = "".join(
        f'openat(AT_FDCWD, "/{folder}/log.db", O_RDWR) = {fd}\nwrite({fd}, "{folder}", 1) = 1\n'
        for fd, folder in ((3, "a"), (4, "b"))
    )
    requests = read(tmp_path, text, {"a/log.db": 8, "log.db": 12})
    assert [request.lba for request in requests] == [8, 12]
    with pytest.raises(TraceError, match=r"may be /a/log.db or /b/log.db; give more of the path"):
        read(tmp_path, text)


def test_a_file_that_never_occurs_is_an_error_that_lists_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"never opens disk.img, .* for writing: /x/other"):
        read(
            tmp_path,
            OPEN + 'write(3, "a", 1) = 1\nopen("/x/other", O_WRONLY) = 4\n'
            'openat(AT_FDCWD, "disk.img", O_RDWR) = -1 ENOENT (No such file or directory)\n',
            FILES,
        )


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ('pwrite64(3, "ab"..., 9, 0) = 9', "strace kept 2 of 9 bytes; record with -s"),
        ("pwrite64(3, 0x7ffd, 9, 0) = 9", "strace kept 0 of 9 bytes"),
        ('pread64(3, "old", 3, 0) = 3', "there before the recording began"),
        ("mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f00", "written by mmap"),
        ("sendfile(3, 4, NULL, 9) = 9", "written by sendfile"),
        ("copy_file_range(4, NULL, 3, NULL, 9, 0) = 9", "written by copy_file_range"),
        ("splice(4, NULL, 3, NULL, 9, 0) = 9", "written by splice"),
        ('rename("log.db.new", "log.db") = 0', "log.db is renamed"),
        ('renameat2(AT_FDCWD, "log.db", AT_FDCWD, "old", 0) = 0', "log.db is renamed"),
        ("fallocate(3, FALLOC_FL_COLLAPSE_RANGE, 0, 512) = 0", "moved about by fallocate"),
        ("<... pwrite64 resumed>) = 2", "no unfinished pwrite64"),
        ('pwrite64(3, "ab", 2, 0) = 03', "strace kept 2 of 3 bytes"),
        ("ftruncate(3, -1) = 0", "expected an integer from 0 as argument 2"),
        ("pwrite64(3) = 2", "expected at least 4 arguments"),
        ("openat(AT_FDCWD, 0x7ffd, O_RDWR) = 4", "expected a string as argument 2"),
    ],
)
def test_what_cannot_be_followed_is_an_error_with_its_line(tmp_path: Path, call: str, what: str) -> None:
    with pytest.raises(TraceError, match=rf"trace:2: .*{what}"):
        read(tmp_path, OPEN + call + "\n")


def test_calls_that_change_nothing_are_passed_over(tmp_path: Path) -> None:
    requests = read(
        tmp_path,
        OPEN
        + "mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f00\n"
        + "mmap(NULL, 9, PROT_READ, MAP_SHARED, 3, 0) = 0x7f00\n"
        + 'write(3, "", 0) = 0\nread(3, "", 9) = 0\nbrk(NULL) = 0x55d0\n'
        + 'write(2, "warning\\n", 8) = 8\nwrite(3, "ab", 2) = -1 ENOSPC (No space left)\n'
        + 'write(3, "z", 1) = ? ERESTARTSYS (To be restarted)\nwrite(3, "a", 1) = 1\n',
    )
    assert extents(requests) == [("write", 8, 1)]


def test_a_file_does_not_grow_into_the_place_of_the_next(tmp_path: Path) -> None:
    text = OPEN.replace("log.db", "disk.img") + OPEN.replace("= 3", "= 4")
    with pytest.raises(TraceError, match=r"disk.img reaches sector 9, but has room for 8 .*log.db"):
        read(tmp_path, text + 'pwrite64(3, "a", 1, 4096) = 1\n', FILES)
