"""Mutation testing: `make mutants`.

mutmut makes small changes, one at a time, to the modules that setup.cfg lists in [mutmut], and
runs the tests that reach the changed function. A mutant that fails a test is caught. This prints
the share of the mutants that are caught, with and without those that equivalent.toml records.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ROOT = Path(__file__).parents[2]
_EQUIVALENT = Path(__file__).with_name("equivalent.toml")
_MOST_EQUIVALENT = 0.02
# mutmut derives a module's name from its path, so both packages are put at the root of a folder.
_WORK = _ROOT / "build" / "mutants"
_LINKS = {
    "attach_confirm": "attach_confirm",
    "attach_confirm_stubs": "stubs/attach_confirm_stubs",
    "tests": "tests",
    "docs": "docs",
    "README.md": "README.md",
    "setup.cfg": "setup.cfg",
    "pyproject.toml": "pyproject.toml",
}
_OUTCOMES = ("caught", "timed out", "survived", "not run", "suspicious")
_OUTCOME = {
    "killed": "caught",
    # pytest exits with 2 if a test raises KeyboardInterrupt.
    "check was interrupted by user": "caught",
    "timeout": "timed out",
    "survived": "survived",
    "no tests": "not run",
}
_ROW = "{:<46}{:>8}{:>8}{:>10}{:>10}{:>9}{:>12}{:>9}{:>16}"


@dataclass(frozen=True)
class Mutant:
    """A change that mutmut made, and the result of the tests."""

    name: str
    path: Path
    exit_code: int | None

    @property
    def module(self) -> str:
        """Return the dotted name of the module."""
        return module_name(self.path)

    @property
    def function(self) -> str:
        """Return the dotted name of the function, with its module and class."""
        function, owner = orig_function_and_class_names_from_key(self.name)
        return ".".join(filter(None, (self.module, owner, function)))

    @property
    def number(self) -> int:
        """Return the mutant's number in its function."""
        return int(self.name.rpartition("_")[2])

    @property
    def outcome(self) -> str:
        """Return one of the outcomes that the table counts."""
        return _OUTCOME.get(status_by_exit_code[self.exit_code], "suspicious")

    @property
    def is_caught(self) -> bool:
        """Return whether the tests catch it."""
        return self.outcome in {"caught", "timed out"}

    @cached_property
    def full_diff(self) -> str:
        """Return the diff with its context."""
        return get_diff_for_mutant(self.name, path=self.path)

    @cached_property
    def diff(self) -> str:
        """Return the changed lines without their indentation, as equivalent.toml has them."""
        changed = [line for line in self.full_diff.splitlines()[2:] if line[0] in "+-"]
        return "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)

    def __str__(self) -> str:
        """Return the function and the number."""
        return f"{self.function} #{self.number}"


def main() -> int:
    """Run the command; return 1 if mutmut fails or a record of an equivalent mutant is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="?", default="", help="such as _put,_http; all if empty")
    parser.add_argument("--diffs", action="store_true", help="print the survivors' diffs")
    parser.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    parser.add_argument("--report", action="store_true", help="print the last run's results again")
    options = parser.parse_args()
    if not options.report and not options.resume:
        create_work_folder()
    os.chdir(_WORK)
    modules = select_modules(options.modules)
    if not options.report:
        run([] if not options.modules else modules)
    mutants = [mutant for path in modules for mutant in load_mutants(path)]
    equivalent, problems = find_equivalent(mutants, everything=not options.modules)
    if any(mutant.exit_code is None for mutant in mutants):
        problems.append("mutmut did not finish")
    print_table(mutants, equivalent)
    print_survivors(mutants, equivalent, diffs=options.diffs)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def create_work_folder() -> None:
    """Create a new working folder for mutmut."""
    shutil.rmtree(_WORK, ignore_errors=True)
    _WORK.mkdir(parents=True)
    for name, target in _LINKS.items():
        (_WORK / name).symlink_to(_ROOT / target)


def select_modules(names: str) -> list[Path]:
    """Return the paths of the modules with these names, or of all that setup.cfg lists."""
    paths = sorted(walk_mutatable_files())
    requested = [name for name in names.replace(",", " ").split() if name]
    for name in requested:
        if not any(path.stem == name for path in paths):
            choices = ", ".join(path.stem for path in paths)
            sys.exit(f"unknown module {name!r}; choose from {choices}")
    return [path for path in paths if not requested or path.stem in requested]


def run(modules: list[Path]) -> None:
    """Run mutmut in one process on these modules, or on all if the list is empty."""
    command = [Path(sys.executable).with_name("mutmut"), "run", "--max-children", "1"]
    patterns = [f"{module_name(path)}.x*" for path in modules]
    start = time.monotonic()
    done = subprocess.run([*command, *patterns], check=False)
    print(f"\nmutmut took {(time.monotonic() - start) / 60:.0f} minutes\n")
    if done.returncode:
        sys.exit(f"mutmut failed with exit code {done.returncode}")


def load_mutants(path: Path) -> list[Mutant]:
    """Return the mutants of one module."""
    data = SourceFileMutationData(path=path)
    data.load()
    return [Mutant(name, path, code) for name, code in data.exit_code_by_key.items()]


def module_name(path: Path) -> str:
    """Return the dotted name of the module at this path."""
    return ".".join(path.with_suffix("").parts)


def find_equivalent(mutants: list[Mutant], *, everything: bool) -> tuple[set[Mutant], list[str]]:
    """Return the mutants that are recorded as equivalent, and the problems of the records."""
    records = tomllib.loads(_EQUIVALENT.read_text(encoding="utf-8")).get("equivalent", [])
    modules = {mutant.module for mutant in mutants}
    found, problems = set(), []
    for record in records:
        function, diff = record["function"], record["diff"].strip()
        if not everything and not any(function.startswith(f"{module}.") for module in modules):
            continue
        same = [each for each in mutants if each.function == function and each.diff == diff]
        index = record.get("occurrence", 1) - 1
        if len(same) > 1 and "occurrence" not in record:
            problems.append(f"{function}: occurrence is missing; {len(same)} have the diff\n{diff}")
        elif index not in range(len(same)):
            problems.append(f"{function}: no mutant has the diff; delete the record\n{diff}")
        elif same[index].is_caught:
            problems.append(f"{same[index]}: the tests catch it; delete the record\n{diff}")
        elif not record["reason"].strip():
            problems.append(f"{same[index]}: the reason is missing\n{diff}")
        else:
            found.add(same[index])
    if everything and len(records) > len(mutants) * _MOST_EQUIVALENT:
        problems.append(f"{len(records)} records are more than {_MOST_EQUIVALENT:.0%} of all")
    return found, problems


def print_table(mutants: list[Mutant], equivalent: set[Mutant]) -> None:
    """Print the counts and the shares of each module, each package and all."""
    groups = defaultdict(list)
    for mutant in mutants:
        groups[mutant.module].append(mutant)
    for mutant in mutants:
        groups[f"{mutant.path.parts[0]} (all)"].append(mutant)
    groups["all"] = mutants
    print(_ROW.format("module", "mutants", *_OUTCOMES, "raw", "no equivalents"))
    for group, members in groups.items():
        counts = Counter(mutant.outcome for mutant in members)
        caught = counts["caught"] + counts["timed out"]
        real = len(members) - len(equivalent.intersection(members))
        shares = (f"{caught / total:.1%}" if total else "-" for total in (len(members), real))
        cells = (counts[outcome] for outcome in _OUTCOMES)
        print(_ROW.format(group, len(members), *cells, *shares))


def print_survivors(mutants: list[Mutant], equivalent: set[Mutant], *, diffs: bool) -> None:
    """Print the mutants that the tests do not catch."""
    print()
    for mutant in mutants:
        if not mutant.is_caught:
            note = ", equivalent" if mutant in equivalent else ""
            print(f"{mutant}: {mutant.outcome}{note}")
            if diffs:
                print(mutant.full_diff, end="\n\n")


if __name__ == "__main__":
    sys.exit(main())
