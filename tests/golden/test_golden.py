"""Every folder beside this file is a small user project, with what is generated for it. `pytest tests/golden --update-golden` rewrites that.

A new case is a new folder: no line here knows any of them. See `harness.Case` for what may be in it.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.golden.harness import (
    CHECKERS,
    CHECKOUT,
    HERE,
    Case,
    by_case,
    cases,
    contents,
    generate,
    import_roots,
    is_generated,
    module_name,
    python_files,
    store_as_golden,
)

ALL = cases()
GOOD = [case for case in ALL if not case.is_faulty]
FAULTY = [case for case in ALL if case.is_faulty]
EXAMPLES = sorted(path for path in (CHECKOUT / "examples").glob("*") if path.is_dir() and any(map(is_generated, python_files(path))))
WITH_MAINS = [(case, module) for case in GOOD for module in case.mains]

each_case = pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
each_good_case = pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
each_faulty_case = pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.name)


@each_case
def test_what_is_generated_is_what_is_committed(case: Case, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fresh = case.copy(tmp_path / case.name, generated=False)
    generated = generate(fresh.root, ".")
    if request.config.getoption("--update-golden", default=False):
        store_as_golden(case, fresh, generated.diagnostics)
    assert generated.diagnostics == case.diagnostics
    assert contents(fresh) == contents(case)
    assert generated.exit_code == (2 if case.is_faulty else 0)
    written = {path: path.stat().st_mtime_ns for path in fresh.generated()}
    generate(fresh.root, ".")
    assert {path: path.stat().st_mtime_ns for path in fresh.generated()} == written, "equal text was written again"


@each_good_case
def test_check_finds_nothing_to_do(case: Case, tmp_path: Path) -> None:
    copy = case.copy(tmp_path / case.name, generated=True)
    checked = generate(copy.root, "--check", ".")
    assert checked.diagnostics == case.diagnostics
    assert checked.exit_code == 0, checked.out


@each_good_case
def test_strict_takes_warnings_for_errors(case: Case, tmp_path: Path) -> None:
    copy = case.copy(tmp_path / case.name, generated=True)
    assert generate(copy.root, "--check", "--strict", ".").exit_code == (2 if case.diagnostics else 0)


@each_good_case
def test_check_finds_what_is_missing_changed_or_left_over(case: Case, tmp_path: Path) -> None:
    copy = case.copy(tmp_path / case.name, generated=True)
    first, *others = copy.generated()
    left_over = copy.root / "nobodys_streams.py"
    left_over.write_bytes(first.read_bytes())
    first.unlink()
    for path in others:
        path.write_text(path.read_text(encoding="utf-8").replace("EventRef(", "EventRef( "), encoding="utf-8")
    checked = generate(copy.root, "--check", ".")
    assert checked.exit_code == 1
    for path in (first, left_over, *others):
        assert path.relative_to(copy.root).as_posix() in checked.out
    assert not first.exists()
    generate(copy.root, ".")
    assert contents(copy) == contents(case), "generating again does not mend it"


@each_faulty_case
def test_check_reports_what_generate_reports(case: Case, tmp_path: Path) -> None:
    copy = case.copy(tmp_path / case.name, generated=True)
    before = {path: path.read_bytes() for path in python_files(copy.root)}
    checked = generate(copy.root, "--check", ".")
    assert checked.diagnostics == case.diagnostics
    assert checked.exit_code == 2
    assert {path: path.read_bytes() for path in python_files(copy.root)} == before


@each_faulty_case
def test_no_file_of_the_users_is_changed(case: Case, tmp_path: Path) -> None:
    copy = case.copy(tmp_path / case.name, generated=False)
    before = {path: path.read_bytes() for path in python_files(copy.root)}
    generate(copy.root, ".")
    assert {path: path.read_bytes() for path in before} == before


def test_the_output_depends_on_nothing_but_the_sources(tmp_path: Path) -> None:
    """Another process, another seed for hashes, another place, an absolute path, and `--strict` where there is nothing to be strict about."""
    script = "import sys\nfrom eventcore.cli import main\nsys.exit(max(main(['generate', path]) or 0 for path in sys.argv[1:]))"
    copies = [(case, case.copy(tmp_path / "elsewhere" / case.name, generated=False)) for case in GOOD]
    environment = {**GOOD[0].environment(), "PYTHONHASHSEED": "4711"}
    command = [sys.executable, "-c", script, *(str(copy.root) for _, copy in copies)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {case.name: contents(copy) for case, copy in copies} == {case.name: contents(case) for case in GOOD}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, list[str]]]:
    """What each checker says of all good cases together: one run of each, side by side."""
    folder = tmp_path_factory.mktemp("typed") / "cases"
    for case in GOOD:
        copy = case.copy(folder / case.name, generated=True)
        (copy.root / "run.py").rename(copy.root / f"run_{case.name}.py")
    roots = import_roots(python_files(folder))
    with ThreadPoolExecutor(2) as pool:
        running = {name: pool.submit(check, folder, roots) for name, check in CHECKERS.items()}
        return {name: by_case(future.result(), folder) for name, future in running.items()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", CHECKERS)
@each_good_case
def test_types_are_strictly_clean(case: Case, checker: str, findings: Mapping[str, Mapping[str, list[str]]]) -> None:
    assert findings[checker].get(case.name, []) == []


@pytest.mark.parametrize("order", ["user-first", "generated-first"])
@each_good_case
def test_imports_in_both_orders_and_agrees_with_the_markers(case: Case, order: str) -> None:
    user = ",".join(map(module_name, case.sources()))
    generated = ",".join(map(module_name, case.generated()))
    done = case.run(str(HERE / "probe.py"), order, user, generated)
    assert done.returncode == 0, done.stdout + done.stderr


@each_good_case
def test_the_users_modules_import_before_anything_was_generated(case: Case, tmp_path: Path) -> None:
    fresh = case.copy(tmp_path / case.name, generated=False)
    imports = "\n".join(f"import {module_name(path)}" for path in fresh.sources())
    done = fresh.run("-c", imports)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_agrees_with_its_markers(example: Path) -> None:
    case = Case(example)
    generated = case.generated()
    sources = [path for path in case.sources() if path.with_name(f"{path.stem}_streams.py") in generated]
    done = case.run(str(HERE / "probe.py"), "user-first", ",".join(map(module_name, sources)), ",".join(map(module_name, generated)))
    assert done.returncode == 0, done.stdout + done.stderr


@each_good_case
def test_runs(case: Case) -> None:
    done = case.run("run.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("way", ["module", "script"])
@pytest.mark.parametrize(("case", "module"), WITH_MAINS, ids=lambda value: value if isinstance(value, str) else value.name)
def test_runs_as_main_and_is_imported_once(case: Case, module: str, way: str) -> None:
    path = module.replace(".", "/") + ".py"
    done = case.run("-m", module) if way == "module" else case.run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [f"imported {module}"]


@each_case
def test_generated_code_is_clean_under_ruff(case: Case) -> None:
    """In the project's own folder: which imports are first-party, and so how they are sorted, is seen from there."""
    paths = [str(path) for path in case.generated()]
    if not paths:
        assert case.is_faulty
        return
    # PYI042 wants aliases in CamelCase: those of a command that is named in lower case are not.
    for arguments in (["check", "--ignore", "PYI042"], ["format", "--diff"]):
        command = [str(Path(sys.executable).with_name("ruff")), *arguments, "--isolated", "--no-cache", *paths]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=case.root)
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_cases_have_modules_of_one_name() -> None:
    """They are type-checked together, so each needs names of its own."""
    homes: dict[str, set[str]] = {}
    for case in GOOD:
        for path in (*case.sources(), *case.generated()):
            homes.setdefault(module_name(path), set()).add(case.name)
    assert {name: sorted(found) for name, found in homes.items() if len(found) > 1} == {}


def test_codes_pages_and_goldens_are_one_set() -> None:
    from eventcore_codegen.diagnostics import CODES

    shown = {code for case in ALL for code in re.findall(r"^\S+:\d+:\d+: (EC\d{3}) (?:error|warning): ", case.diagnostics, re.MULTILINE)}
    pages = {path.stem for path in (CHECKOUT / "docs" / "errors").glob("EC*.md")}
    assert pages == {*CODES}
    # Nothing that a checkout can carry keeps a file from being written: the test below shows EC127.
    assert shown | {"EC127"} == {*CODES}


def test_where_one_file_cannot_be_written_whole_nothing_is_written(tmp_path: Path) -> None:
    """A limit of the size of files stands for a full disk: the generated file of a command is larger, that of a state smaller."""
    (tmp_path / "large.py").write_bytes((HERE / "transfer" / "bank" / "accounts.py").read_bytes())
    (tmp_path / "a_small.py").write_bytes((HERE / "ec126_unimportable_name" / "class.py").read_bytes())
    script = "import sys\nfrom eventcore.cli import main\nsys.exit(main(['generate', '.']))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=GOOD[0].environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)),
    )
    assert done.returncode == 2, done.stdout
    first, *_ = done.stderr.splitlines()
    assert first.startswith("large_streams.py:1:1: EC127 error: ")
    assert "File too large" in first
    left = (path.name for path in tmp_path.iterdir() if path.name != ".eventcore_cache")
    assert sorted(left) == ["a_small.py", "large.py"]


def test_every_page_is_listed_and_says_what_pages_say() -> None:
    folder = CHECKOUT / "docs" / "errors"
    listed = set(re.findall(r"\]\((EC\d{3})\.md\)", (folder / "README.md").read_text(encoding="utf-8")))
    pages = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("EC*.md")}
    assert listed == {*pages}
    for code, page in pages.items():
        assert page.startswith(f"# {code}: ")
        assert [line for line in page.splitlines() if line.startswith("## ")][-2:] == ["## How to fix it", "## Example"], code
        assert page.count("```python\n") == 2, code
