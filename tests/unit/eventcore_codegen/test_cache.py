from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eventcore_codegen.atlas.reading import read
from eventcore_codegen.cache import identity
from eventcore_codegen.cache.encoding import NotEncodable
from eventcore_codegen.cache.folder import CacheFolder, open_cache
from eventcore_codegen.cache.syntaxes import SYNTAX
from eventcore_codegen.pipeline import generate
from eventcore_codegen.scan.reading import parse_source
from eventcore_codegen.sources.files import decode as decode_text

CHECKOUT = Path(__file__).parents[3]


def run(root: Path, *, write: bool = True, cache: CacheFolder | None = None):
    return generate([root], base=root, write=write, cache=cache or open_cache(root))


@pytest.fixture
def project(source):
    source.write(
        {
            "shop/__init__.py": "",
            "shop/cart.py": source.CART,
            "shop/fill.py": source.HEAD + "from shop.cart import Cart\n" + source.FILL,
            "shop/alone.py": source.CART.replace("Added", "Put").replace("cart.emptied", "alone.emptied"),
        }
    )
    run(source.root)
    return source.root


def imported(root: Path, *arguments: str) -> set[str]:
    """Return which of the slow libraries a run of its own imports."""
    code = f"""
import sys
from eventcore.cli import main
assert main(["generate", *{arguments!r}]) == 0
print(*({{"libcst", "jinja2"}} & set(sys.modules)), sep=",")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.splitlines()[-1].split(",")) - {""}


def test_a_run_with_nothing_to_do_imports_no_parser_and_no_templates(project):
    imported(project, ".")
    assert imported(project, ".") == set()
    assert imported(project, "--check", ".") == set()
    assert imported(project, "--no-cache", ".") == {"libcst", "jinja2"}


def test_output_that_was_removed_comes_back_without_parsing_or_rendering(project):
    imported(project, ".")
    (project / "shop/fill_streams.py").unlink()
    assert imported(project, ".") == set()
    assert (project / "shop/fill_streams.py").exists()


def test_an_event_that_changes_in_another_module_changes_its_users(project):
    before = (project / "shop/fill_streams.py").read_text()
    cart = project / "shop/cart.py"
    cart.write_text(cart.read_text().replace("cart.emptied", "cart.cleared"))

    outcome = run(project)

    assert outcome.written == 2  # cart's own and fill's, not the third
    assert (project / "shop/fill_streams.py").read_text() == before.replace("cart.emptied", "cart.cleared")


def test_a_module_that_appears_where_an_import_led_nowhere_is_seen(source):
    source.write({"fill.py": source.HEAD + "from cart import Cart\n" + source.FILL})
    assert [fault.code for fault in run(source.root).diagnostics] == ["EC103"]
    source.write({"cart.py": source.CART})
    assert run(source.root).diagnostics == ()


def test_runs_over_other_paths_do_not_disturb_each_other(project):
    one = generate([project / "shop/cart.py"], base=project, write=False, cache=open_cache(project))
    assert len(one.rendered) == 1
    assert len(run(project).rendered) == 3


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: b"{}\n{}", lambda data: data.replace(b"s", b"t")]
)
def test_a_damaged_cache_changes_nothing(project, damage):
    expected = generate([project], base=project, write=False)
    damaged = [path for path in (project / ".eventcore_cache").glob("*/*") if path.is_file()]
    assert len(damaged) > 3
    for path in damaged:
        path.write_bytes(damage(path.read_bytes()))
    assert run(project, write=False) == expected


def test_what_another_generator_remembered_is_not_believed(project, monkeypatch):
    other = CacheFolder(open_cache(project).path, "another generator")
    monkeypatch.setattr("eventcore_codegen.output.module.FORMAT", 2)
    assert run(project, write=False, cache=other).unchanged == 0


def test_a_cache_that_cannot_be_written_is_done_without(project):
    (project / "in the way").write_text("")
    assert run(project, cache=CacheFolder(project / "in the way", "x")).unchanged == 3


def test_the_cache_keeps_itself_out_of_git(project):
    assert (project / ".eventcore_cache/.gitignore").read_text() == "*\n"


def test_only_the_newest_of_what_is_no_longer_used_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("eventcore_codegen.cache.folder._KEPT", 3)
    folder = CacheFolder(tmp_path, "x")
    for number in range(10):
        folder.put("syntax", f"{number}", number)
        path = tmp_path / "syntax" / f"{number}"
        path.touch()
        os.utime(path, (number, number))
    folder.trim("syntax", {"0"}, 1)
    assert [folder.get("syntax", f"{number}") for number in range(10)] == [0, None, None, None, None, None, None, 7, 8, 9]


def test_generators_that_run_at_once_leave_whole_files(project):
    command = [sys.executable, "-m", "eventcore", "generate", "."]
    expected = {path: path.read_text() for path in project.glob("shop/*_streams.py")}
    for path in expected:
        path.write_text("# @generated by `eventcore generate`, but long ago\n")
    running = [subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in running]
    assert [code for _, code in ended] == [0] * 4, ended
    assert {path: path.read_text() for path in project.glob("shop/*_streams.py")} == expected
    assert not list(project.rglob("*.tmp"))


@pytest.mark.parametrize("folder", ["tests/golden", "examples"])
def test_every_parsed_file_survives_being_stored(folder):
    texts = [
        text
        for path in sorted((CHECKOUT / folder).rglob("*.py"))
        if path.is_file() and isinstance(text := decode_text(path, path.read_bytes()), str)
    ]
    assert len(texts) > 10
    for text in texts:
        stored = SYNTAX.encode(parse_source(text))
        assert SYNTAX.encode(SYNTAX.decode(json.dumps(stored))) == stored


def test_a_class_that_is_referred_to_twice_is_one_again():
    read = SYNTAX.decode(json.dumps(SYNTAX.encode(parse_source("class Cart:\n    pass\n"))))
    assert read.bindings["Cart"][0].bound is read.classes[0]


def test_values_that_are_no_syntax_are_refused():
    with pytest.raises(NotEncodable, match="object is none of the classes"):
        SYNTAX.encode(object())


def test_a_line_that_moves_what_others_use_renders_nothing_again(project):
    cart = project / "shop/cart.py"
    cart.write_text("# A line above all others.\n" + cart.read_text())

    assert imported(project, ".") == {"libcst"}


def test_the_text_of_a_module_holds_no_places(source):
    """What is rendered is known again by what it is made of, without its places: so none may come through."""
    found = 0
    for folder in sorted(path for path in (CHECKOUT / "tests/golden").iterdir() if path.is_dir()):
        before = generate([folder], base=folder, write=False).rendered
        copied = source.root / folder.name
        shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("*_streams.py", "_streams.py", "__pycache__", "coding*"))
        for path in copied.rglob("*.py"):
            text = path.read_bytes()
            if path.is_file() and text.startswith(b"from __future__"):
                path.write_bytes(b"# moved\n\n" + text)
        after = generate([copied], base=copied, write=False).rendered
        found += len(after)
        assert [file.text for file in after] == [file.text for file in before], folder.name
    assert found > 40


def test_files_one_by_one_come_to_what_all_of_them_come_to_at_once():
    """`map` and `who` scan all files in one, and judge them by the same rules."""
    found = 0
    for folder in sorted(path for path in (CHECKOUT / "tests/golden").iterdir() if path.is_dir()):
        one_by_one = generate([folder], base=folder, write=False).diagnostics
        at_once = read([folder], base=folder).diagnostics
        assert at_once == tuple(fault for fault in one_by_one if fault.code != "EC119"), folder.name
        found += len(at_once)
    assert found > 100


@pytest.mark.parametrize("changed", ["package/scan/names.py", "templates/streams.py.j2"])
def test_a_generator_with_another_source_or_template_is_another(tmp_path, monkeypatch, changed):
    shutil.copytree(CHECKOUT / "codegen/eventcore_codegen", tmp_path / "package")
    shutil.copytree(CHECKOUT / "templates", tmp_path / "templates")
    monkeypatch.setattr(identity, "_PACKAGE", tmp_path / "package")
    monkeypatch.setattr(identity, "template_root", lambda: tmp_path / "templates")
    before = identity.generator_identity.__wrapped__()
    assert identity.generator_identity.__wrapped__() == before
    (tmp_path / changed).write_text((tmp_path / changed).read_text() + "\n")
    assert identity.generator_identity.__wrapped__() != before


def test_what_is_recalled_file_by_file_is_what_would_be_found_again(tmp_path):
    """Each golden case, once its whole run is forgotten: everything that a file can come to survives being stored."""
    recalled = 0
    for folder in sorted(path for path in (CHECKOUT / "tests/golden").iterdir() if path.is_dir()):
        cache = CacheFolder(tmp_path / folder.name, "x")
        expected = generate([folder], base=folder, write=False)
        assert generate([folder], base=folder, write=False, cache=cache) == expected
        recalled += sum(len(json.loads(path.read_bytes().partition(b"\n")[2])) for path in cache.path.glob("parts/*"))
        shutil.rmtree(cache.path / "runs", ignore_errors=True)
        assert generate([folder], base=folder, write=False, cache=cache) == expected, folder.name
    assert recalled > 100
