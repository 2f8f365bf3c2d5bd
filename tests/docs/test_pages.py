"""What the pages show is so: their programs run and print what they say, and their mistakes are refused."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, pages

BIN = Path(sys.executable).parent
PAGES = pages()
PROJECTS = [page for page in PAGES if page.files]
MISTAKEN = [page for page in PROJECTS if any(name.startswith("mistakes") for name in page.files)]
by_path = lambda page: str(page.path.relative_to(ROOT))  # noqa: E731  # pytest's ids= takes a function of one argument


def write_project(page: Page, folder: Path) -> None:
    for name, text in page.files.items():
        write_file(folder / name, text)


def write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def follow(page: Page, folder: Path, cache: Path, *, checking: bool = True) -> None:
    """Do what a reader does: write the files and run the commands of *page*, and of those before it, in their order."""
    if page.before is not None:
        follow(page.before, folder, cache, checking=False)
    for block in page.blocks:
        if block.title is not None:
            write_file(folder / block.title, block.text)
        for step in block.steps if checking else [step for step in block.steps if not step.command.startswith("mypy ")]:
            done = run(step.command, folder, cache)

            assert as_pattern(step.output).fullmatch(done.stdout), f"$ {step.command}\n{done.stdout}\ninstead of\n{step.output}"
            assert done.returncode == step.code, done.stdout


def run(command: str, folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment that the tests run in, seeing the checkout only as an installed package would be seen."""
    program, *arguments = shlex.split(command)
    if program == "pyright":
        arguments = ["--pythonpath", sys.executable, *arguments]
    environment = {
        **os.environ,
        "MYPY_CACHE_DIR": str(cache),
        "MYPYPATH": os.pathsep.join((str(ROOT), str(ROOT / "codegen"))),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "codegen"))),
    }
    return subprocess.run(
        [sys.executable if program == "python" else str(BIN / program), *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
    )


def as_pattern(output: str) -> re.Pattern[str]:
    lines = [r"(?:.*\n)*?" if line == "..." else _any_time(re.escape(line)) + r"\n" for line in output.rstrip("\n").splitlines()]
    return re.compile("".join(lines))


def _any_time(pattern: str) -> str:
    """Let any number of seconds pass, and any moment."""
    seconds = re.sub(r"(?<!\d)\d+\\\.\d\\ s\b", r"\\d+\\.\\d\\ s", pattern)
    return re.sub(r"\d{4}(\\-\d\d){2}\\ \d\d(:\d\d){2}Z", r"\\d{4}(-\\d\\d){2} \\d\\d(:\\d\\d){2}Z", seconds)


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy-cache")


@pytest.mark.parametrize("page", PROJECTS, ids=by_path)
def test_the_programs_of_a_page_print_what_it_says(page: Page, tmp_path: Path, mypy_cache: Path) -> None:
    follow(page, tmp_path, mypy_cache)


@pytest.mark.parametrize("page", PROJECTS, ids=by_path)
def test_a_page_with_a_program_runs_it(page: Page) -> None:
    assert page.steps


@pytest.mark.parametrize("page", MISTAKEN, ids=by_path)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_checkers_refuse_exactly_the_lines_that_a_page_calls_mistakes(
    page: Page, checker: str, tmp_path: Path, mypy_cache: Path
) -> None:
    write_project(page, tmp_path)
    for step in page.steps:
        if step.command.startswith("eventcore generate"):
            assert run(step.command, tmp_path, mypy_cache).returncode == 0

    for name, text in page.files.items():
        if name.startswith("mistakes"):
            expected = {number for number, line in enumerate(text.splitlines(), 1) if "  # " in line}
            assert refused_lines(checker, name, tmp_path, mypy_cache) == expected


def refused_lines(checker: str, name: str, folder: Path, cache: Path) -> set[int]:
    if checker == "mypy":
        output = run(f"mypy --strict --no-error-summary {name}", folder, cache).stdout
        found = [re.fullmatch(rf"{re.escape(name)}:(\d+): (error|note): .*", line) for line in output.splitlines()]
        assert all(found), output
        return {int(match[1]) for match in found if match and match[2] == "error"}
    configuration = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [str(ROOT)],
        "venvPath": str(BIN.parent.parent),
        "venv": BIN.parent.name,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(configuration), encoding="utf-8")
    report = json.loads(run(f"pyright --outputjson {name}", folder, cache).stdout)
    return {each["range"]["start"]["line"] + 1 for each in report["generalDiagnostics"] if each["severity"] == "error"}


@pytest.mark.parametrize("page", [page for page in PAGES if "errors" not in page.path.parts], ids=by_path)
def test_every_python_block_is_python(page: Page) -> None:
    for block in page.blocks:
        if block.language == "python":
            ast.parse(block.text)


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_link_within_the_repository_leads_somewhere(page: Page) -> None:
    broken = [target for target in page.links if not (page.path.parent / target.partition("#")[0]).exists()]

    assert broken == []


def test_every_make_target_that_the_pages_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))

    named = {
        target
        for page in PAGES
        for target in re.findall(r"`?make ([a-z]+)\b`|^make ([a-z]+)\b", page.text, flags=re.MULTILINE)
        for target in target
        if target
    }

    assert named
    assert named <= targets


def test_every_page_of_docs_is_reached_from_its_index() -> None:
    docs = ROOT / "docs"
    by_place = {page.path: page for page in PAGES if page.path.is_relative_to(docs)}
    unread = [docs / "index.md"]
    reached: set[Path] = set()
    while unread:
        place = unread.pop()
        if place in by_place and place not in reached:
            reached.add(place)
            targets = [(place.parent / target.partition("#")[0]).resolve() for target in by_place[place].links]
            unread += [path for target in targets for path in (sorted(target.glob("*.md")) if target.is_dir() else [target])]

    assert set(by_place) - reached == set()
