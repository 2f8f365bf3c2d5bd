"""Finding the generated module of a class, and refusing one that does not fit."""

from __future__ import annotations

import asyncio
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eventcore import (
    CommandExecutor,
    GeneratedCodeError,
    GeneratedCodeMissing,
    GeneratedCodeStale,
    IdempotencyKeyReused,
    InMemoryEventStore,
    InvalidCommand,
    StreamId,
    state,
)
from eventcore.cli import main as eventcore

SOURCE = """
from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from {name}_streams import FillState, FillStreams, FillWrites


@event
class Filled:
    amount: int


@state
class Glass:
    level: int = 0

    def apply(self, event: Filled) -> Glass:
        return Glass(self.level + event.amount)


@command
class Fill:
    glass: StreamId[Glass] = stream()
    amount: int = 1

    def handle(self, streams: FillStreams, state: FillState) -> FillWrites:
        yield streams.glass.write(Filled(self.amount))
"""


class Project:
    """One module of a user's in a folder of its own, under a name that no other test uses."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.source = folder / f"{name}.py"
        self.generated = folder / f"{name}_streams.py"
        self.source.write_text(SOURCE.format(name=name))

    def generate(self) -> None:
        assert eventcore(["generate", str(self.source)]) == 0

    def change(self, path: Path, pattern: str, replacement: str) -> None:
        before = path.read_text()
        after = re.sub(pattern, replacement, before)
        assert after != before
        path.write_text(after)

    def fill(self):
        importlib.invalidate_caches()
        module = importlib.import_module(self.name)
        executor = CommandExecutor(InMemoryEventStore())
        result = asyncio.run(executor.execute(module.Fill(StreamId("glass-1"), 5)))
        return result.events[0].event


@pytest.fixture
def project(tmp_path, monkeypatch, request):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    name = f"bound_{abs(hash(request.node.nodeid))}"
    yield Project(tmp_path, name)
    for module in [name, f"{name}_streams"]:
        sys.modules.pop(module, None)


def test_a_command_made_of_what_is_no_stream_is_refused_where_its_annotation_cannot_be_looked_up(project):
    project.change(project.source, r"import StreamId, command", "import command")
    project.change(project.source, r"if TYPE_CHECKING:", "if TYPE_CHECKING:\n    from eventcore import StreamId")
    project.generate()
    importlib.invalidate_caches()
    module = importlib.import_module(project.name)
    executor = CommandExecutor(InMemoryEventStore())

    for wrong in (None, (StreamId("glass-1"),)):
        with pytest.raises(InvalidCommand, match=r"Fill\.glass: expected a StreamId, got"):
            asyncio.run(executor.execute(module.Fill(wrong)))


def test_a_command_that_stands_in_no_module_is_told_to_be_put_into_one():
    names = {"__name__": "no_such_module"}
    exec(SOURCE.format(name="no_such_module"), names)  # noqa: S102
    executor = CommandExecutor(InMemoryEventStore())

    for ask in (executor.execute(names["Fill"](StreamId("glass-1"))), executor.load(StreamId("glass-1"), names["Glass"])):
        with pytest.raises(GeneratedCodeError, match="was not defined in a module that can be imported, .* put it into one"):
            asyncio.run(ask)


@pytest.mark.parametrize("read_from", ["argument", "standard input"])
def test_a_command_of_no_file_is_told_to_be_put_into_one(read_from):
    run = "import asyncio\nfrom eventcore import *\nasyncio.run(CommandExecutor(InMemoryEventStore()).execute(Fill(StreamId('a'))))"
    program = f"{SOURCE.format(name='no_such_module')}\n{run}"
    arguments, given = (["-c", program], "") if read_from == "argument" else (["-"], program)
    done = subprocess.run([sys.executable, *arguments], input=given, capture_output=True, text=True, check=False, timeout=60)

    assert "GeneratedCodeError: Fill was not defined in a module that can be imported" in done.stderr


@state
class Plate:
    def apply(self, event: int) -> Plate:
        return self


def test_a_stream_of_another_state_is_refused_as_its_events_would_not_fold(project):
    project.generate()
    importlib.invalidate_caches()
    module = importlib.import_module(project.name)
    executor = CommandExecutor(InMemoryEventStore())

    with pytest.raises(InvalidCommand, match=r"Fill\.glass: expected a stream of Glass, got 'plate-1', which is one of Plate"):
        asyncio.run(executor.execute(module.Fill(StreamId.of(Plate, 1))))
    for right in (StreamId("plate-1"), StreamId.of(module.Glass, 2), StreamId[module.Glass]("jar")):
        asyncio.run(executor.execute(module.Fill(right)))


def test_commands_of_one_name_in_two_modules_are_two_to_an_idempotency_key(project):
    project.generate()
    other = Project(project.source.parent, f"{project.name}_other")
    other.generate()
    importlib.invalidate_caches()

    async def main():
        executor = CommandExecutor(InMemoryEventStore())
        for name in (project.name, other.name):
            command = importlib.import_module(name).Fill(StreamId("glass-1"))
            await executor.execute(command, idempotency_key="once")

    with pytest.raises(IdempotencyKeyReused):
        asyncio.run(main())


def test_a_generated_command_executes(project):
    project.generate()

    assert project.fill().amount == 5


def test_a_module_imports_before_it_was_generated_and_executing_says_what_to_run(project):
    with pytest.raises(
        GeneratedCodeMissing, match=rf"Fill has no generated module '{project.name}_streams'; run `eventcore generate {project.name}.py`"
    ):
        project.fill()


def test_what_was_missing_is_found_as_soon_as_it_is_there(project):
    with pytest.raises(GeneratedCodeMissing):
        project.fill()
    project.generate()

    assert project.fill().amount == 5


@pytest.mark.parametrize(
    ("pattern", "replacement", "difference"),
    [
        (
            r"    amount: int = 1\n",
            "    amount: int = 1\n    other: StreamId[Glass] | None = stream(default=None)\n",
            "declares the streams glass, other, it knows glass",
        ),
        (r"glass: StreamId\[Glass\] = stream\(\)", "glass: StreamId[Glass] = stream(read_only=True)", "'glass' is read-only in the class"),
        (
            r"StreamId\[Glass\] = ",
            "StreamId[Glass] | None = ",
            "'glass' is annotated as an optional stream in the class, it knows one stream",
        ),
        (
            r"(?s)@command(.*)StreamId\[Glass\] = ",
            r"@state(category='glass')\nclass Jug(Glass): ...\n\n\n@command\1StreamId[Jug] = ",
            "'glass' folds into Jug in the class, it knows Glass",
        ),
        (
            r"(?s)@state(.*)event: Filled",
            r"@event\nclass Spilled: ...\n\n\nGlassEvent = Filled | Spilled\n\n\n@state(ignore_unknown=True)\1event: GlassEvent",
            "`apply` of Glass takes Spilled, which it does not know",
        ),
        (
            r"(?s)@state(.*)event: Filled",
            r"@event\nclass Spilled: ...\n\n\n@state\1event: Spilled",
            "`apply` of Glass takes Spilled, which it does not know",
        ),
        (r"class Fill:", "class Pour:", "it does not know this command"),
        (
            r"@event\nclass Filled",
            '@event("filled", version=2)\nclass Filled',
            "Filled is stored as 'filled' in version 2, it says 'Filled' in version 1",
        ),
        (r"\bFilled\b", "Poured", "there is no class Filled in"),
    ],
)
def test_stale_generated_code_is_refused_with_the_command_that_repairs_it(project, pattern, replacement, difference):
    project.generate()
    project.change(project.source, pattern, replacement)
    if "Pour:" in replacement:
        project.change(project.source, "$", "\nFill = Pour\n")
    with pytest.raises(GeneratedCodeStale, match=re.escape(difference)) as caught:
        project.fill()

    assert f"eventcore generate {project.name}.py" in str(caught.value)


def test_generated_code_that_knows_more_events_than_apply_takes_is_stale(project):
    project.change(project.source, r"(?s)@state(.*)event: Filled", r"@event\nclass Spilled: ...\n\n\n@state\1event: Filled | Spilled")
    project.generate()
    project.change(project.source, r" \| Spilled", "")

    with pytest.raises(GeneratedCodeStale, match="it knows Spilled, which `apply` of Glass does not take"):
        project.fill()


@pytest.mark.parametrize(
    "events",
    ["Other", "'Filled'", "Union['Filled', Filled]", "Annotated[Filled, 'x']", "NewType('Named', Filled)", "Optional[Filled]", "Absent"],
)
def test_events_that_cannot_be_told_from_an_annotation_are_no_difference(project, events):
    """Nor are those that it names in another way."""
    names = f"from typing import Annotated, NewType, Optional, Union\nif not TYPE_CHECKING:\n    Events = {events.replace('Absent', '0')}\n"
    project.change(project.source, r"(?s)@state", f"Other = Filled\n{names}\n@state")
    project.generate()
    project.change(project.source, r"event: Filled", "event: Missing" if events == "Absent" else "event: Events")

    assert project.fill().amount == 5


@pytest.mark.parametrize(
    ("pattern", "replacement", "difference"),
    [
        (r"format=\d+", "format=99", "it has format 99, this version of eventcore reads format 1"),
        (r'source="[^"]*"', 'source="elsewhere"', "it was generated from the module 'elsewhere'"),
        (r"(?s).*", "x = 1\n", "is it a file of your own under the name of a generated one?"),
    ],
)
def test_generated_code_of_another_make_is_refused(project, pattern, replacement, difference):
    project.generate()
    project.change(project.generated, pattern, replacement)
    with pytest.raises(GeneratedCodeStale, match=re.escape(difference)):
        project.fill()


@pytest.mark.parametrize(
    ("packages", "imported", "repair"),
    [
        (
            (),
            "inn.outer.rooms",
            "this is 'inn.outer.rooms', because inn/outer has no __init__.py; add that, or import the module as 'rooms'; run",
        ),
        (("inn/outer",), "inn.outer.rooms", "because inn has no __init__.py; add that, or import the module as 'outer.rooms'; run"),
        (("inn", "inn/outer"), "rooms", "from the module 'inn.outer.rooms', this is 'rooms'; import it as 'inn.outer.rooms'; run"),
    ],
)
def test_a_module_that_is_imported_under_another_name_is_told_what_would_help(tmp_path, packages, imported, repair):
    folder = tmp_path / "inn" / "outer"
    folder.mkdir(parents=True)
    for package in packages:
        (tmp_path / package / "__init__.py").touch()
    Project(folder, "rooms").generate()
    program = f"import asyncio\nfrom eventcore import CommandExecutor, InMemoryEventStore, StreamId\nfrom {imported} import Fill, Glass\n"
    program += "asyncio.run(CommandExecutor(InMemoryEventStore()).execute(Fill(StreamId.of(Glass, 1))))"
    start = folder if imported == "rooms" else tmp_path
    done = subprocess.run([sys.executable, "-c", program], cwd=start, capture_output=True, text=True, timeout=60, check=False)
    assert "GeneratedCodeStale" in done.stderr
    assert repair in done.stderr
    if start == tmp_path:
        (tmp_path / "inn" / "__init__.py").touch()
        (folder / "__init__.py").touch()
        Project(folder, "rooms").generate()
        again = subprocess.run([sys.executable, "-c", program], cwd=start, capture_output=True, text=True, timeout=60, check=False)
        assert (again.returncode, again.stderr) == (0, "")


def test_an_import_error_within_generated_code_is_not_mistaken_for_its_absence(project):
    project.generate()
    project.change(project.generated, r"(?m)^from eventcore.typed", "import nowhere_to_be_found\nfrom eventcore.typed")
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        project.fill()
