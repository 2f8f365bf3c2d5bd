"""The site holds every page and every public name, and nothing in it is fetched from elsewhere."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import attrs
import griffe
import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

import eventcore.projections
import eventcore.testing.contract
from tests.docs import cli_reference, marks
from tests.docs.pages import ROOT

DOCS = ROOT / "docs"


def load(name: str) -> ModuleType:
    """Import a module of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site strictly, as `make check` does: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return folder


def test_every_public_name_has_one_entry_in_the_reference() -> None:
    entries = Counter(
        name
        for page in sorted((DOCS / "reference").glob("*.md"))
        for name in re.findall(r"^::: eventcore\.(\w+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    )

    # Not in `__all__`, so that `from eventcore import *` works where asyncpg is not installed.
    assert entries == Counter([*eventcore.__all__, "PostgresEventStore"])


@pytest.mark.parametrize(
    "module", [eventcore.projections, eventcore.testing, eventcore.testing.contract], ids=lambda module: module.__name__
)
def test_every_public_name_of_the_other_modules_has_one_entry(module: ModuleType) -> None:
    entries = Counter(
        name
        for page in sorted((DOCS / "reference").glob("*.md"))
        for name in re.findall(rf"^::: {re.escape(module.__name__)}\.(\w+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert entries == Counter(module.__all__)


def test_the_site_knows_the_public_names_without_importing_them() -> None:
    assert load("hooks").public_names() == eventcore.__all__


def test_the_reference_shows_the_constructors_that_attrs_classes_have() -> None:
    package = griffe.load("eventcore", search_paths=[str(ROOT)], extensions=griffe.load_extensions(str(DOCS / "signatures.py")))
    public = {name: getattr(eventcore, name) for name in eventcore.__all__}
    # A position is made by stores alone, and its entry shows no constructor.
    made_by_attrs = {name: cls for name, cls in public.items() if isinstance(cls, type) and attrs.has(cls) and name != "Position"}

    shown = {
        name: [(each.name, each.default is not None) for each in package[name].parameters if each.name != "self"] for name in made_by_attrs
    }

    assert made_by_attrs
    assert shown == {
        name: [(each.name, each.default is not each.empty) for each in inspect.signature(cls).parameters.values()]
        for name, cls in made_by_attrs.items()
    }


def test_every_page_is_in_the_navigation(site: Path) -> None:
    pages = {page.relative_to(DOCS).with_suffix(".html").as_posix().replace("README", "index") for page in DOCS.rglob("*.md")}
    navigation = (site / "index.html").read_text(encoding="utf-8").partition('<nav class="md-nav md-nav--primary')[2]
    linked = {target.partition("#")[0] for target in re.findall(r'<a href="([^"]+)" class="md-nav__link', navigation)}

    assert pages - linked - {"index.html"} == set()


def test_every_entry_of_the_reference_was_rendered(site: Path) -> None:
    rendered = {
        name
        for page in (site / "reference").glob("*.html")
        for name in re.findall(r'id="eventcore\.(\w+)"', page.read_text(encoding="utf-8"))
    }

    assert {*eventcore.__all__, "PostgresEventStore"} - rendered == set()


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = {
        (page.name, found)
        for page in site.rglob("*.html")
        for found in re.findall(
            r"""<(?:script|img|link|iframe)[^>]+(?:src|href)=["']((?:https?:)?//[^"']+)""", page.read_text(encoding="utf-8")
        )
    }

    assert fetched == set()


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    broken = set()
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for target in re.findall(r'<a [^>]*href="([^"#]+)', page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:"):
                place = (page.parent / target).resolve()
                if not place.exists():
                    broken.add((page.relative_to(site).as_posix(), target))

    assert broken == set()


@pytest.mark.parametrize("name", sorted(load("figures").FIGURES))
def test_each_picture_is_what_its_program_draws(name: str) -> None:
    figures = load("figures")

    assert (figures.IMAGES / f"{name}.svg").read_text(encoding="utf-8") == str(figures.FIGURES[name]())


def test_there_is_no_picture_without_a_program() -> None:
    figures = load("figures")

    assert {path.stem for path in figures.IMAGES.glob("*.svg")} == set(figures.FIGURES)


def test_the_command_line_reference_is_what_help_says() -> None:
    _, written, _ = marks.split(cli_reference.PAGE, cli_reference.BEGIN, cli_reference.END)

    assert _in_words(written) == _in_words(cli_reference.reference()), "run `python -m tests.docs.cli_reference`"


def _in_words(helps: str) -> str:
    """Return *helps* as every Python lays them out: from 3.13 on, argparse names an option's value once (`-n, --limit N`)."""
    return re.sub(r"(-\w) [A-Z]+, --", r"\1, --", " ".join(helps.split()))
