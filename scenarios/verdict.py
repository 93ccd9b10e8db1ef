"""Results: the verdict on each variant of each scenario, as JSON (``deltabench.result/1``) and as JUnit XML.

docs/results.md lists the fields.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from deltabench.firmware_model.branches import branches_of
from deltabench.scenarios.coverage import Covered, as_document
from deltabench.scenarios.crash_id import CrashId
from deltabench.scenarios.crash_map import CutRow, table_of
from deltabench.scenarios.documents import (
    Explored,
    Judged,
    OfShare,
    OnBoard,
    RecoveryCoverage,
    Results,
    Violated,
)
from deltabench.scenarios.explorer import Counts, Finding
from deltabench.scenarios.scenario import Cuts, Variant

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What an XML document cannot hold, not even escaped (XML 1.0, 2.2); a firmware's error text may."""
PARTLY: Final = "only partly explored, which the scenario does not allow (expect.partial)"


class BoardCuts(NamedTuple):
    """Of a run on a board: ``places`` at which power can be cut, and cuts that the workload did not come to again.

    ``in_fixture``: cuts fell where they were asked for, so that findings can be told by an id.
    """

    places: int
    unreached: int
    in_fixture: bool = True


class InShare(NamedTuple):
    """Of a run of one share of a campaign: which of how many, the (first, last + 1) actions, the variant's digest."""

    number: int
    of: int
    actions: tuple[int, int]
    digest: str


class Result(NamedTuple):
    """What came out of one variant.  ``elapsed_s`` is the work's CPU time, summed over processes.

    ``board``: it was run on a board, where a crash state is one of many that each place has.  ``share``: only so much
    of it was explored, and that is what ``complete`` is about.
    """

    variant: Variant
    commands: int
    operations: int
    counts: Counts
    findings: tuple[Finding, ...]
    elapsed_s: float
    complete: bool
    cut_rows: tuple[CutRow, ...] = ()
    covered: Covered = Covered()
    board: BoardCuts | None = None
    share: InShare | None = None

    @property
    def holds(self) -> bool:
        """Whether no violation was found."""
        return not self.counts.violations

    @property
    def is_covered(self) -> bool:
        """Whether all was explored that the scenario asks for: no budget has left anything out."""
        return not self.counts.beyond_budget and not self.counts.unlike

    @property
    def is_uncut(self) -> bool:
        """Whether power was never cut on a board, though it should have been: that nothing was found says nothing."""
        cuts = self.variant.scenario.document.power.cuts
        return self.board is not None and cuts is not Cuts.NONE and not self.counts.verified

    @property
    def closed(self) -> bool:
        """Whether it holds for any number of cuts at any points, for this workload and fault model."""
        cuts = self.variant.scenario.document.power.cuts
        return cuts is Cuts.UNBOUNDED and self.holds and self.complete and self.is_covered

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is the result of a share that has nothing of the variant."""
        return self.share is not None and self.share.actions[0] == self.share.actions[1]

    @property
    def as_expected(self) -> bool:
        """Whether that is what the scenario expects; an unfinished run never is, unless it found what it should.

        Of a share: whether nothing speaks against it.  What it did not find may be in another.
        """
        expected = self.variant.expected
        if expected.verdict == "holds":
            enough = self.is_covered or self.variant.scenario.document.expect.partial
            return self.holds and self.complete and enough and not self.is_uncut
        found = any(expected.rule in (None, finding.rule) for finding in self.findings)
        return found or (self.share is not None and self.complete)

    def crash_id(self, finding: Finding) -> str:
        """The id that replays a finding; empty if it was made on a board whose power went at some time or other."""
        if self.board is not None and not self.board.in_fixture and finding.path:
            return ""
        return str(CrashId(self.variant.scenario.name, self.variant.name, finding.path))

    @property
    def judged(self) -> Judged:
        """For a document."""
        return Judged(
            scenario=self.variant.scenario.name,
            title=self.variant.scenario.document.title,
            variant=self.variant.name,
            scheme=self.variant.scheme,
            atom_store=self.variant.firmware.store.value,
            seed=self.variant.scenario.document.seed,
            verdict="holds" if self.holds else "violated",
            expected=self.variant.expected.verdict,
            as_expected=self.as_expected,
            complete=self.complete,
            closed=self.closed,
            commands=self.commands,
            operations=self.operations,
            counts=Explored(**self.counts._asdict()),
            elapsed_s=round(self.elapsed_s, 3),
            violations=tuple(
                Violated(
                    id=self.crash_id(finding),
                    rule=finding.rule.value,
                    doing=finding.doing,
                    cut=finding.cut,
                    detail=finding.detail,
                )
                for finding in self.findings
            ),
            crash_map=table_of(self.cut_rows),
            coverage=self.coverage,
            board=UNSET if self.board is None else OnBoard(places=self.board.places, unreached=self.board.unreached),
            share=UNSET if self.share is None else self._shared(self.share),
        )

    def _shared(self, share: InShare) -> OfShare:
        rule = self.variant.expected.rule
        return OfShare(**share._asdict(), expected_rule=rule and rule.value)

    @property
    def coverage(self) -> RecoveryCoverage | None:
        """Which ways the recoveries went; None if the firmware has not said so at any branch."""
        known = (branch.name for branch in branches_of(self.variant.firmware))
        return as_document(self.covered, known) if self.covered.branches else None

    def problem(self) -> str:
        """Why the result is not as expected, in one sentence; empty if it is."""
        expected = self.variant.expected
        if self.as_expected:
            return ""
        if expected.verdict == "violated":
            rule = f" of {expected.rule.value}" if expected.rule else ""
            until = "" if self.complete else " before it was interrupted"
            return f"expected a violation{rule}, and found {'only others' if self.findings else 'none'}{until}"
        if self.holds and self.complete and self.is_uncut:
            return "power was never cut: the workload came to none of the places to cut at"
        if self.holds and self.complete:
            return PARTLY
        if self.holds:
            return "interrupted before it was finished"
        finding, count = self.findings[0], self.counts.violations
        found = "1 violation" if count == 1 else f"{count} violations; the first"
        return f"{found}, of {finding.rule.value}: {finding.detail}"


def exit_code(results: Sequence[Result]) -> int:
    """0: all as expected; 1: not."""
    return 0 if all(result.as_expected for result in results) else 1


def to_json(results: Sequence[Result], *, interrupted: bool) -> str:
    """The whole document."""
    return document_text(Results(interrupted=interrupted, results=tuple(result.judged for result in results)))


def document_text(document: msgspec.Struct) -> str:
    """A document as JSON, for people to look at, too."""
    # The text of a firmware's error may hold what is no text in UTF-8, which this writes as an escape.
    return json.dumps(msgspec.to_builtins(document), indent=2) + "\n"


def to_junit(results: Sequence[Result]) -> str:
    """JUnit XML as CI servers read it: a test case a variant."""
    failures = sum(not result.as_expected for result in results)
    elapsed = sum(result.elapsed_s for result in results)
    suite = ET.Element(
        "testsuite",
        name="deltabench",
        tests=str(len(results)),
        failures=str(failures),
        errors="0",
        time=f"{elapsed:.3f}",
    )
    for result in results:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_xml_text(result.variant.scenario.name),
            name=_xml_text(result.variant.name),
            time=f"{result.elapsed_s:.3f}",
        )
        if not result.as_expected:
            failure = ET.SubElement(case, "failure", message=_xml_text(result.problem()))
            failure.text = "\n".join(
                _xml_text(": ".join(filter(None, (result.crash_id(finding), finding.rule.value, finding.detail))))
                for finding in result.findings
            )
        output = ET.SubElement(case, "system-out")
        output.text = _in_words(result)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _in_words(result: Result) -> str:
    counts = result.counts
    numbers = [(result.commands, "command"), (result.operations, "media operation"), (counts.generated, "crash state")]
    words = [f"{number} {noun}{'s' * (number != 1)}" for number, noun in numbers]
    violations = f"{counts.violations} violation{'s' * (counts.violations != 1)}"
    return ", ".join([*words, f"{counts.distinct} distinct", f"{counts.verified} verified", violations])


def _xml_text(text: str) -> str:
    return NOT_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is there whole or not at all; raises OSError with ``path`` in it.

    What is no file of its own (a link, a pipe, whatever lies below /dev or /proc) is written to, and never replaced.
    """
    try:
        if is_stdout(path):
            # Opened once more, a file would be written from its beginning, over what was printed or will be.
            if isinstance(content, str):
                sys.stdout.write(content)
                sys.stdout.flush()
            else:
                sys.stdout.buffer.write(content)
                sys.stdout.buffer.flush()
        elif is_written_in_place(path):
            path.write_bytes(_encoded(content))
        else:
            _replace(path, _encoded(content))
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def is_stdout(path: Path) -> bool:
    """Whether ``path`` is another name of this process's standard output, as /dev/stdout is."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except (OSError, ValueError):
        return False


def is_written_in_place(path: Path) -> bool:
    """Whether a file in the place of ``path`` would be a surprise: it is a link, a pipe or a device."""
    system = any(path.absolute().is_relative_to(root) for root in ("/dev", "/proc"))
    return system or path.is_symlink() or (path.exists() and not path.is_file())


def _encoded(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
