"""What the site does beyond plain MkDocs, so that the pages read as well in a checkout as on the site.

* A folder in the navigation (``errors/``) stands for all pages in it.
* A link to a folder leads to its index; a link to a file outside docs/ leads to a page that shows the file.
* A public name in code font leads to its entry in the reference.
* A picture (``.svg``) becomes part of its page, so that it follows the page's colours.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
SHOWN: Final = "source"  # the folder of the site with the pages that show files from outside docs/

_FENCE: Final = re.compile(r"^(```+)[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(\]\()([^)\s]+)(\))")
_PICTURE: Final = re.compile(r'<p><img alt="(?P<alt>[^"]*)" src="(?P<src>[^"]+\.svg)" ?/?></p>')
_HEADING_OR_LINK: Final = re.compile(r"(<(h[1-6]|a|pre|summary)\b.*?</\2>)", re.DOTALL)
_CODE: Final = re.compile(r"<code>(?P<name>[A-Za-z_]\w*)(?P<member>\.\w+)?</code>")


def public_names() -> list[str]:
    """Return what `eventcore.__all__` lists, without importing it."""
    tree = ast.parse((ROOT / "eventcore" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise LookupError("eventcore/__init__.py has no __all__")


_PUBLIC: Final = frozenset(public_names())


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace each folder in the navigation by its pages."""
    config.nav = _expanded(config.nav or [])
    return config


def _expanded(entries: list[object]) -> list[object]:
    expanded: list[object] = []
    for entry in entries:
        if isinstance(entry, dict):
            expanded.append({title: _expanded(below) if isinstance(below, list) else below for title, below in entry.items()})
        elif isinstance(entry, str) and entry.endswith("/"):
            expanded += _pages_of(entry)
        else:
            expanded.append(entry)
    return expanded


def _pages_of(folder: str) -> list[object]:
    names = sorted(path.name for path in (DOCS / folder).glob("*.md"))
    return [f"{folder}{name}" for name in sorted(names, key=lambda name: name != "README.md")]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file outside docs/ that a page leads to."""
    unread = [target for page in DOCS.rglob("*.md") for target in _targets(page)]
    shown: set[Path] = set()
    while unread:
        target = unread.pop()
        if target.is_relative_to(DOCS) or target in shown or not target.exists():
            continue
        shown.add(target)
        files.append(File.generated(config, _uri(target), content=_text(target), inclusion=InclusionLevel.NOT_IN_NAV))
        if target.is_dir():
            unread += _folders(target)
        elif target.suffix == ".md":
            unread += _targets(target)
    return files


def _targets(page: Path) -> Iterator[Path]:
    for found in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        place = found[2].partition("#")[0]
        if place and "://" not in place:
            yield (page.parent / place).resolve()


def _text(shown: Path) -> str:
    if shown.suffix == ".md":
        return shown.read_text(encoding="utf-8")
    name = shown.relative_to(ROOT).as_posix()
    if shown.is_file():
        return f"# `{name}`\n\n{_listing(shown)}"
    files = [path for path in sorted(shown.glob("*.py")) if path.stat().st_size and not path.stem.endswith("_streams")]
    listings = [f"## `{path.name}`\n\n{_listing(path)}" for path in files]
    folders = [f"- [`{name}/{path.name}`]({path.name})" for path in _folders(shown)]
    return "\n".join([f"# `{name}`\n", "The files of this folder, without those that are generated.\n", *folders, "", *listings])


def _folders(shown: Path) -> list[Path]:
    """Return the folders in *shown* that hold programs."""
    return [path for path in sorted(shown.iterdir()) if path.is_dir() and any(path.glob("*.py"))]


def _listing(file: Path) -> str:
    language = "python" if file.suffix == ".py" else "text"
    return f"``````{language}\n{file.read_text(encoding='utf-8')}``````\n"


def _uri(target: Path) -> str:
    """Return the page of the site, relative to docs/, that stands for *target*."""
    if target.is_relative_to(DOCS):
        index = next((name for name in ("README.md", "index.md") if (target / name).exists()), None)
        return (target / index if index else target).relative_to(DOCS).as_posix()
    name = target.relative_to(ROOT).as_posix()
    if target.is_dir():
        return f"{SHOWN}/{name}/index.md"
    return f"{SHOWN}/{name}" if target.suffix == ".md" else f"{SHOWN}/{name}.md"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # MkDocs passes by name
    """Let links to folders, and to files outside docs/, lead to pages of the site."""
    here = page.file.src_uri
    origin = ROOT / here.removeprefix(f"{SHOWN}/") if here.startswith(f"{SHOWN}/") else DOCS / here

    def mend(found: re.Match[str]) -> str:
        place, hash_, anchor = found[2].partition("#")
        if not place or "://" in place:
            return found[0]
        target = (origin.parent / place).resolve()
        if not target.exists():
            return found[0]  # MkDocs complains about it
        return f"{found[1]}{os.path.relpath(_uri(target), os.path.dirname(here))}{hash_}{anchor}{found[3]}"  # noqa: PTH120  # a URI

    parts = _FENCE.split(markdown)
    fences = [found[0] for found in _FENCE.finditer(markdown)]
    prose = [_LINK.sub(mend, part) for part in parts[::2]]
    return "".join(text for pair in zip(prose, [*fences, ""], strict=True) for text in pair)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # MkDocs passes by name
    """Put pictures into the page, and lead public names to the reference."""
    html = _PICTURE.sub(lambda found: _picture(found, page), html)
    parts = _HEADING_OR_LINK.split(html)
    # `split` gives for each match: what was before it, the match, and the name of its element.
    return "".join(part if at % 3 == 1 else _CODE.sub(_reference, part) for at, part in enumerate(parts) if at % 3 != 2)


def _picture(found: re.Match[str], page: Page) -> str:
    file = (DOCS / page.file.dest_uri).parent / found["src"]
    svg = file.resolve().read_text(encoding="utf-8")
    return f'<figure class="drawn" role="img" aria-label="{found["alt"]}">{svg}</figure>'


def _reference(found: re.Match[str]) -> str:
    if found["name"] not in _PUBLIC:
        return found[0]
    return f'<autoref identifier="eventcore.{found["name"]}{found["member"] or ""}" optional>{found[0]}</autoref>'
