"""Whatever lies below the given paths: faults are told with their place, files are written whole or not at all, and nothing is raised."""

from __future__ import annotations

import codecs
import ctypes
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from eventcore.cli import main
from eventcore_codegen.pipeline import generate, open_cache
from eventcore_codegen.scan import parse as parsing
from eventcore_codegen.write import HEADER

CHECKOUT = Path(__file__).parents[3]
SCRIPT = "import sys\nfrom eventcore.cli import main\nsys.exit(main(['generate', *sys.argv[1:]]))"


def shop(source) -> str:
    return source.CART + source.FILL.replace("return []", "yield streams.cart.write(Added(''))")


def generated(source, name: str, data: str | bytes) -> str:
    """Return what is generated for a faultless module."""
    source.write({name: data})
    outcome = source.generate()
    assert outcome.diagnostics == ()
    return source.text(name.replace(".py", "_streams.py"))


# --- how a file is written down


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("    ", "\t").encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
        lambda text: b"# -*- coding: latin-1 -*-\n" + text.replace("cart.emptied", "geräumt").encode("latin-1"),
        lambda text: ("# coding: cp1251\n" + text.replace("cart.emptied", "корзина.пуста")).encode("cp1251"),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace("\n", "\n\f\n").encode(),
    ],
    ids=["crlf", "cr", "tabs", "bom", "bom-crlf", "latin-1", "cp1251", "no-last-newline", "form-feeds"],
)
def test_the_way_a_file_is_written_down_changes_nothing(source, tmp_path_factory, change):
    text = shop(source)
    data = change(text)
    expected = generated(type(source)(tmp_path_factory.mktemp("plain")), "a.py", text)

    name = next(
        (word for word in ("geräumt", "корзина.пуста") if word.encode("latin-1" if word == "geräumt" else "cp1251") in data), "cart.emptied"
    )
    assert generated(source, "a.py", data) == expected.replace("cart.emptied", name)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("# größe, eventcore\n".encode("latin-1"), "EC120"),
        (b"# coding: no-such-encoding\n# eventcore\n", "EC120"),
        (codecs.BOM_UTF8 + b"# coding: latin-1\n# eventcore\n", "EC120"),
        ("# eventcore\n".encode("utf-16"), None),
        (b"import eventcore\n\x00\n", "EC117"),
        (b"# eventcore\n" + b"(" * 5000, "EC117"),
        (b"# eventcore\nx = " + b"-" * 100_000 + b"1\n", "EC117"),
        (b"# eventcore\nif True:\n\tx = 1\n        y = 2\n", "EC117"),
        (b"# eventcore\nprint 'two'\n", "EC117"),
        (b"# eventcore\n\\", "EC117"),
        (b"", None),
        (b"\xef\xbb\xbf", None),
        (b"# eventcore: ignore[", "EC208"),
    ],
)
def test_a_file_that_is_no_python_is_told_and_the_others_are_generated(source, data, code):
    source.write({"good.py": shop(source), "bad.py": data})

    outcome = source.generate()

    assert [(fault.code, fault.path) for fault in outcome.diagnostics] == ([] if code is None else [(code, "bad.py")])
    assert outcome.written == 1
    assert "class FillStreams" in source.text("good_streams.py")


UNION = " | ".join(f"E{number}" for number in range(12_000))


@pytest.mark.parametrize(
    ("deep", "text"),
    [
        (f"Event = {UNION}", "this is nested too deeply to be read; write a union of thousands as"),
        (f"def apply(event: {UNION}):\n    pass", "this is nested too deeply to be read; write a union of thousands as"),
        (f"@event\nclass Event:\n    x: '{UNION}'", "the annotation of the field Event.x is no Python: 'E0 | E1"),
        (f"@event\nclass Event:\n    x: '{'(' * 5_000}int{')' * 5_000}'", "the annotation of the field Event.x is no Python: '((("),
    ],
    ids=["alias", "annotation", "quoted union", "quoted brackets"],
)
def test_a_type_that_is_nested_too_deeply_is_told_where_it_stands(source, deep, text):
    """Of libcst's parser, some of them would end the process."""
    found = source.faults({"good.py": shop(source), "bad.py": f"{source.HEAD}x = 1\n{deep}\n@property\ndef y(): ...\n"})

    assert [(fault.code, fault.path, fault.message.startswith(text)) for fault in found] == [("EC117", "bad.py", True)]
    assert source.HEAD.count("\n") + 2 <= found[0].span.line <= source.HEAD.count("\n") + 4


def test_a_file_that_is_named_is_read_in_whatever_encoding(source):
    assert [code for code, _ in source.codes({"bad.py": "# eventcore\n".encode("utf-16")}, "bad.py")] == ["EC120"]


# --- what names lead to


@pytest.mark.parametrize("name", ["types.py", "typing.py", "collections.py", "random.py", "attrs.py", "eventcore.py"])
def test_a_module_that_shadows_another_is_read_and_not_imported(source, name):
    text = "import random\nfrom collections.abc import Mapping\nfrom typing import Any\n" + shop(source)
    source.write({"a.py": text, name: "raise SystemExit('imported')\n"})

    outcome = source.generate()

    assert outcome.errors == 0
    assert "class FillStreams" in source.text("a_streams.py")
    assert not (source.root / name.replace(".py", "_streams.py")).exists()


def test_declarations_in_a_module_of_a_standard_name_are_generated(source):
    assert "class FillStreams" in generated(source, "types.py", shop(source))


def test_cyclic_imports_and_aliases_of_one_another_end(source):
    files = {
        "a.py": source.HEAD + "from b import Cart, CartEvent\nfrom b import Loop\n" + source.FILL + "x: Loop\n",
        "b.py": "from a import *\nfrom c import Loop, Cart\n" + source.HEAD + "CartEvent = Cart\n",
        "c.py": "from b import Loop\nfrom a import Nothing\n" + source.CART,
    }

    assert source.codes(files) == []
    assert source.codes({"d.py": source.HEAD + "from d import Own\n" + source.FILL.replace("Cart]", "Own]")}) == [("EC103", 9)]


def test_everything_may_come_through_a_star(source):
    text = shop(source).replace(
        "from eventcore import Discovered, StreamId, command, discovered, event, state, stream", "from eventcore import *"
    )

    found = source.faults({"a.py": text})

    assert [(fault.code, fault.message) for fault in found] == [
        ("EC201", "`import *` hides where 'StreamId', 'command', 'event', 'state', 'stream' come from")
    ]
    assert "class FillStreams" in source.generate().rendered[0].text


def test_stars_in_a_circle_end(source):
    assert source.codes({"a.py": "from b import *\n" + source.CART + source.FILL, "b.py": "from a import *\n# eventcore\n"}) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("if bool():\n    @state\n    class Box:\n        def apply(self, event: Added): return self\n", []),
        (
            "if bool():\n    @state\n    class Box:\n        def apply(self, event: Added): return self\nelse:\n    @state\n    class Box:\n        def apply(self, event: Emptied): return self\n",
            ["EC113"],
        ),
        (
            "try:\n    Item = Added\nexcept NameError:\n    Item = Emptied\n@state\nclass Box:\n    def apply(self, event: Item): return self\n",
            ["EC104"],
        ),
        (
            "try:\n    Item = Added\nexcept NameError:\n    Item = Added\n@state\nclass Box:\n    def apply(self, event: Item): return self\n",
            [],
        ),
        ("@event\nclass Added:\n    other: int\n", ["EC104", "EC112"]),
        ("@event('x')\nclass Twice: pass\n@event('y')\nclass Twice: pass\n", []),
        ("class Cart: pass\n", []),
        ("match 1:\n    case 1:\n        @event('z')\n        class Late: pass\n", []),
        ("while bool():\n    @command\n    class Go: pass\n", ["EC101", "EC108"]),
        ("del Added\n", []),
    ],
)
def test_conditional_and_repeated_definitions_are_told_or_agree(source, text, codes):
    assert [code for code, _ in source.codes({"a.py": source.CART + text})] == codes


# --- what lies on the disk


def test_links_in_a_circle_are_walked_once(source):
    source.write({"shop/a.py": shop(source)})
    (source.root / "shop" / "again").symlink_to(source.root / "shop", target_is_directory=True)
    (source.root / "round.py").symlink_to("round.py")
    (source.root / "nowhere.py").symlink_to("gone.py")

    outcome = source.generate()

    assert [(fault.code, fault.path) for fault in outcome.diagnostics] == [("EC120", "nowhere.py"), ("EC120", "round.py")]
    assert outcome.written == 1
    assert sorted(path.name for path in (source.root / "shop").iterdir()) == ["a.py", "a_streams.py", "again"]


def test_a_link_that_is_given_and_leads_in_a_circle_is_told(source):
    (source.root / "round").symlink_to("round")

    assert [code for code, _ in source.codes({}, "round")] == ["EC120"]


def test_what_is_no_file_is_told_and_nobody_waits_for_it(source):
    (source.root / "folder.py").mkdir()
    os.mkfifo(source.root / "pipe.py")
    source.write({"a.py": shop(source)})

    outcome = source.generate()

    assert [(fault.code, fault.path, fault.message) for fault in outcome.diagnostics] == [("EC120", "pipe.py", "it is no regular file")]
    assert outcome.written == 1


def test_what_was_generated_stays_while_its_source_cannot_be_read(source):
    before = generated(source, "a.py", shop(source))
    (source.root / "a.py").unlink()
    os.mkfifo(source.root / "a.py")

    outcome = source.generate()

    assert ([fault.code for fault in outcome.diagnostics], outcome.removed) == (["EC120"], 0)
    assert source.text("a_streams.py") == before


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"from event", "EC117 a.py:1"),
        (b"x = 1\n@event\nclass Added(\n", "EC117 a.py:3"),
        ("# eventcore\n".encode("utf-16"), "EC120 a.py:1"),
    ],
    ids=["begun", "broken", "utf-16"],
)
@pytest.mark.parametrize("cached", [False, True])
def test_what_was_generated_stays_while_its_source_is_no_python_that_speaks_of_the_library(source, data, told, cached):
    before = generated(source, "a.py", shop(source))
    cache = open_cache(source.root) if cached else None
    generate([source.root], base=source.root, write=True, cache=cache)
    source.write({"a.py": data, "never.py": b"no python, and nothing was ever generated from it"})

    for _ in range(2):
        outcome = generate([source.root], base=source.root, write=True, cache=cache)

        assert [f"{fault.code} {fault.path}:{fault.span.line}" for fault in outcome.diagnostics] == [told]
        assert source.text("a_streams.py") == before


def test_what_was_generated_goes_once_its_source_declares_nothing(source):
    generated(source, "a.py", shop(source))
    cache = open_cache(source.root)
    for data, removed in ((b"from event", 0), (b"x = 1\n", 1), (b"from event", 0)):
        source.write({"a.py": data})
        assert generate([source.root], base=source.root, write=True, cache=cache).removed == removed
    assert not (source.root / "a_streams.py").exists()


@pytest.mark.parametrize(("met", "known"), [(KeyboardInterrupt, False), (MemoryError, False), (RecursionError, True)])
def test_what_interrupts_the_parser_is_taken_for_what_it_is(monkeypatch, met, known):
    """libcst looks up positions on its way out of whatever happens to it, and fails with a KeyError then."""

    def interrupted(self, *_):
        try:
            raise met
        finally:
            {}["position of a node"]

    monkeypatch.setattr(parsing._ModuleReader, "read", interrupted)
    with nullcontext() if known else pytest.raises(met):
        assert "nested too deeply" in parsing.parse("x = 1\n").message


def test_a_generated_file_that_was_edited_by_hand_is_told_and_generated_again(source):
    whole = generated(source, "a.py", shop(source))
    for edited in (
        whole + "# mine\n",
        whole.replace("cart", "trolley"),
        whole.splitlines()[0],
        whole[: len(whole) // 2],
        whole.replace("\n", "\r"),
    ):
        (source.root / "a_streams.py").write_bytes(edited.encode())
        assert [(stale.path, stale.kind) for stale in source.generate(write=False).stale] == [("a_streams.py", "changed")]
        assert source.generate().written == 1
        assert (source.root / "a_streams.py").read_bytes() == whole.encode()


def test_a_generated_file_that_lost_its_header_is_somebodys(source):
    mine = generated(source, "a.py", shop(source)).partition("\n")[2]
    source.write({"a_streams.py": mine})

    outcome = source.generate()

    assert [fault.code for fault in outcome.diagnostics] == ["EC119"]
    assert source.text("a_streams.py") == mine


def without_root() -> None:
    """Let a process of root's be refused what its user would be refused (PR_CAPBSET_DROP of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (1, 2):
            libc.prctl(24, capability, 0, 0, 0)


def command_line(root: Path, *arguments: str, prepare=without_root) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(CHECKOUT), str(CHECKOUT / "codegen"))), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", SCRIPT, *(arguments or (".",))]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False, preexec_fn=prepare)


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="root is refused nothing elsewhere")


@linux_only
def test_files_and_folders_that_may_not_be_read_are_told(source):
    source.write({"a.py": shop(source), "secret.py": "# eventcore\n", "closed/b.py": shop(source)})
    (source.root / "secret.py").chmod(0)
    (source.root / "closed").chmod(0)
    try:
        done = command_line(source.root)
    finally:
        (source.root / "closed").chmod(0o755)

    heads = [line for line in done.stderr.splitlines() if not line.startswith(("help", " "))]
    assert heads == [
        "closed:1:1: EC120 error: the folder cannot be read: Permission denied",
        "secret.py:1:1: EC120 error: it cannot be read: Permission denied",
    ]
    assert done.returncode == 2
    assert (source.root / "a_streams.py").exists()
    assert not (source.root / "closed" / "b_streams.py").exists()


@linux_only
def test_a_folder_that_may_not_be_written_is_told_and_nothing_is_written(source):
    source.write(
        {
            "a.py": shop(source),
            "shut/b.py": shop(source).replace("Fill", "Load").replace("Cart", "Van").replace("cart.", "van.").replace("Added", "In"),
        }
    )
    (source.root / "shut").chmod(0o555)
    try:
        done = command_line(source.root)
    finally:
        (source.root / "shut").chmod(0o755)

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "shut/b_streams.py:1:1: EC127 error: it cannot be written: Permission denied"
    assert sorted(name for name in source.tree() if name.endswith((".py", ".tmp"))) == ["a.py", "shut/b.py"]


@linux_only
def test_a_generated_file_that_may_not_be_read_is_told(source):
    generated(source, "a.py", shop(source))
    (source.root / "a_streams.py").chmod(0)

    done = command_line(source.root)

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "a_streams.py:1:1: EC119 error: the module generated from a.py belongs here, but what is there cannot be read: Permission denied"
    )


def test_a_full_disk_leaves_the_old_files_as_they_were(source):
    """A limit of the size of files is what a full disk is: a write fails in the middle."""
    import resource

    whole = generated(source, "a.py", shop(source))
    source.write({"a.py": shop(source).replace("class Fill", "class Load"), "b.py": source.HEAD + "from a import Cart\n" + source.FILL})

    done = command_line(source.root, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))

    assert done.returncode == 2
    assert "EC127" in done.stderr
    assert "Traceback" not in done.stderr
    assert source.text("a_streams.py") == whole
    assert sorted(name for name in source.tree() if name.endswith((".py", ".tmp"))) == ["a.py", "a_streams.py", "b.py"]


def test_a_name_may_be_as_long_as_the_disk_allows(source):
    name = "a" * (255 - len("_streams.py"))

    assert "class FillStreams" in generated(source, f"{name}.py", shop(source))


# --- two at once


WORKER = """
import os, pathlib, sys
from eventcore.cli import main
number, rounds, orphan = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
codes = set()
def leave(path):
    new = pathlib.Path(f"{number}.left")
    new.write_text(orphan)
    os.replace(new, path)
for turn in range(rounds):
    # Each takes away what the other one may just be writing, and leaves something behind for it to remove.
    for path in pathlib.Path().glob("m*_streams.py"):
        if (turn + number) % 3 == 0:
            path.unlink(missing_ok=True)
        elif (turn + number) % 3 == 1:
            leave(path)
    leave("gone_streams.py")
    codes.add(main(["generate", "."]) or 0)
sys.exit(max(codes))
"""


def test_two_generators_at_once_make_whole_files(source):
    cart = {
        f"m{number}.py": shop(source)
        .replace("Added", f"Added{number}")
        .replace("cart.emptied", f"e{number}")
        .replace("class Cart", f"class Cart{number}")
        .replace("[Cart]", f"[Cart{number}]")
        for number in range(6)
    }
    source.write(cart)
    assert main(["generate", str(source.root)]) == 0
    whole = {path.name: path.read_bytes() for path in source.root.glob("*_streams.py")}
    assert len(whole) == 6
    orphan = f"{HEADER} from nothing.py.\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(CHECKOUT), str(CHECKOUT / "codegen")))}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(number), "40", orphan],
            cwd=source.root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    seen = 0
    while any(worker.poll() is None for worker in workers):
        for name, data in whole.items():
            path = source.root / name
            try:
                found = path.read_bytes()
            except FileNotFoundError:
                continue
            assert found in (data, orphan.encode()), name
            seen += found == data
        time.sleep(0.001)
    told = [worker.communicate(timeout=60)[1] for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], told
    assert told == ["", ""]
    assert seen > 0
    assert main(["generate", str(source.root)]) == 0
    assert {path.name: path.read_bytes() for path in source.root.glob("*_streams.py")} == whole
    assert [path.name for path in source.root.iterdir() if path.name.endswith(".tmp")] == []


# --- what quotes hold


@pytest.mark.parametrize("quoted", [r'"\udcff"', r'"tuple[str, \ud800]"', '"a b"', '"tuple[str"', r'tuple["\udcff", int]'])
def test_an_annotation_in_quotes_that_is_no_python_is_told(source, quoted):
    source.write({"a.py": shop(source).replace("sku: str", f"sku: {quoted}")})

    cache = open_cache(source.root)
    outcomes = [generate([source.root], base=source.root, write=True, cache=cache) for _ in range(2)]

    text = quoted if quoted.startswith('"') else quoted[6:14]
    for outcome in outcomes:
        assert [(fault.code, fault.message) for fault in outcome.diagnostics] == [
            ("EC117", f"the annotation of the field Added.sku is no Python: {text}")
        ]
        assert outcome.written == 0


def test_of_a_state_only_what_is_stored_has_to_be_python(source):
    text = shop(source).replace("size: int = 0", r'size: "\udcff" = 0')

    assert source.codes({"a.py": text}) == []
    assert [code for code, _ in source.codes({"a.py": text.replace("@state", "@state(snapshot_every=9)")})] == ["EC117"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("def apply(self, event: CartEvent)", r'def apply(self, event: "\udcff")', "EC106"),
        ("StreamId[Cart] = stream()", r'"\udcff" = stream()', "EC102"),
        ("StreamId[Cart] = stream()", r'StreamId["\udcff"] = stream()', "EC122"),
        ("StreamId[Cart] = stream()", r'StreamId = stream(events="\udcff")', "EC123"),
        ('"cart.emptied"', r'"\udcff"', "EC124"),
        ("@state\n", '@state(category="\\udcff")\n', None),
        ("sku: str", r'sku: Literal["\udcff"]', None),
    ],
)
def test_half_a_surrogate_pair_is_told_wherever_it_stands(source, old, new, code):
    text = shop(source).replace(old, new)
    assert text != shop(source)
    source.write({"a.py": text.replace("\n\n", "\nfrom typing import Literal\n", 1)})

    cache = open_cache(source.root)
    outcomes = [generate([source.root], base=source.root, write=True, cache=cache) for _ in range(2)]

    for outcome in outcomes:
        assert code in ([fault.code for fault in outcome.diagnostics] or [None])
        for fault in outcome.diagnostics:
            str(fault).encode()
