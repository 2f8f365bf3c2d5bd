"""How an atlas is shown: for people, for Mermaid, for programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eventcore_codegen.atlas import Atlas, answer_text, find, map_data, map_mermaid, map_text, read

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def chapter() -> Atlas:
    folder = ROOT / "tests" / "acceptance"
    return read([folder / "chapter"], base=folder).atlas


@pytest.fixture(scope="module")
def shop() -> Atlas:
    folder = ROOT / "examples"
    return read([folder / "shop"], base=folder).atlas


def section(text: str, title: str) -> str:
    return re.split(r"^[A-Z][A-Z ,]+$", text.partition(f"{title}\n")[2], flags=re.MULTILINE)[0]


def test_text_fits_into_80_columns(chapter, shop):
    for atlas in (chapter, shop):
        lines = map_text(atlas).splitlines()
        assert max(map(len, lines)) <= 80
        assert not any(line != line.rstrip() for line in lines)


def test_a_command_in_text(shop):
    assert """\
  CheckoutCart                                               shop/checkout.py:25
    cart      writes              cart
    customer  reads               customer
    products  writes, discovered  product
    may write  ItemAdded, CheckedOut, Stocked, StockReserved
""" in section(map_text(shop), "COMMANDS")


def test_the_matrix_in_text(shop):
    assert """\
                   1 2 3 4
  1 BlockCustomer  x x . .
  2 CheckoutCart   x x x x
  3 PutIntoCart    . x x .
  4 StockProduct   . x . x

  x  can conflict    ?  may conflict    .  never conflict

  BlockCustomer
    customer  itself, CheckoutCart (only reads)
    never     PutIntoCart, StockProduct

  CheckoutCart
    cart      itself, PutIntoCart
    customer  BlockCustomer
    product   itself, StockProduct

  PutIntoCart
    cart   itself, CheckoutCart
    never  BlockCustomer, StockProduct
""" in section(map_text(shop), "CONFLICTS")


def test_a_fold_of_its_own_conflicts_perhaps(chapter):
    assert """\
  CountOrders
    processed_order            perhaps PayOrder
    streams with OrderCounted  itself
    never                      7 others

""" in section(map_text(chapter), "CONFLICTS")


def test_an_answer_in_text(shop):
    assert (
        answer_text(find("product-7", shop))
        == """\
product-7: a stream of the category product
  state Product                                              shop/products.py:23

  writes, discovered  CheckoutCart.products  shop/checkout.py:30
  writes              StockProduct.product   shop/commands.py:31"""
    )


def test_long_names_put_their_places_on_lines_of_their_own(source):
    name = "AnnouncementOfSomethingThatHasAVeryLongNameIndeedAndThenSomeMore"
    source.write(
        {
            "app.py": "from eventcore import StreamId, command, event, state, stream\n@event\nclass Happened:\n    pass\n"
            "@state\nclass It:\n    def apply(self, event: Happened):\n        return self\n"
            f"@command\nclass {name}:\n    something: StreamId[It] = stream()\n    def handle(self, streams, state):\n        return []\n"
        }
    )
    atlas = read([source.root], base=source.root).atlas

    assert answer_text(find("It", atlas)).endswith(f"\n  writes  {name}.something\n      app.py:11")
    assert f"  {name}     app.py:10\n" in map_text(atlas)


def test_nothing_declared_is_said(source):
    source.write({"app.py": "x = 1\n"})

    atlas = read([source.root], base=source.root).atlas

    assert map_text(atlas) == "nothing is declared here"
    assert map_mermaid(atlas).splitlines()[1:] == ["flowchart LR"]


NODE = re.compile(r'    (?P<id>[cs]\d+)(\["[^"\[\]]*"\]|\[\("[^"\[\]()]*"\)\])')
EDGE = re.compile(r'    (?P<first>[cs]\d+) (?P<arrow><-->|--o|<-\.->|-\.-o|-\.-)\|"[^"|]*"\| (?P<second>[cs]\d+)')


def test_mermaid_has_a_node_for_each_command_and_stream_and_an_arrow_for_each_field(chapter):
    room, head, *lines = map_mermaid(chapter).splitlines()

    nodes = {found["id"] for line in lines if (found := NODE.fullmatch(line))}
    edges = [found for line in lines if (found := EDGE.fullmatch(line))]
    assert json.loads(room.removeprefix("%%{init: ").removesuffix("}%%")) == {"flowchart": {"nodeSpacing": 60, "rankSpacing": 100}}
    assert head == "flowchart LR"
    assert len(nodes) + len(edges) == len(lines)
    assert {edge[end] for edge in edges for end in ("first", "second")} <= nodes
    assert sum(edge["arrow"] != "-.-" for edge in edges) == len(chapter.uses)
    assert sum(node.startswith("c") for node in nodes) == len(chapter.commands)


def test_mermaid_arrows_tell_reading_writing_and_discovering_apart(shop, chapter):
    assert 'c2 <-->|"cart"| s1' in map_mermaid(shop)
    assert 'c2 --o|"customer"| s2' in map_mermaid(shop)
    assert 'c2 <-.->|"products"| s3' in map_mermaid(shop)
    assert re.search(r'c3 -\.-o\|"partitions"\| s\d+', map_mermaid(chapter))
    assert '-.-|"perhaps the same"|' in map_mermaid(chapter)


def test_mermaid_escapes_what_would_end_a_text(source):
    source.write(
        {
            "app.py": "from eventcore import event, state\n@event\nclass A:\n    pass\n"
            "@state(category='a\"#;|[(]`<b>')\nclass S:\n    def apply(self, event: A):\n        return self\n"
        }
    )

    (line,) = map_mermaid(read([source.root], base=source.root).atlas).splitlines()[2:]

    assert line == '    s1[("a#34;#35;;#124;#91;#40;#93;#96;#60;b#62;")]'


def test_json_says_all_of_it(shop):
    data = json.loads(json.dumps(map_data(shop)))

    assert data["version"] == 1
    assert set(data) == {"version", "commands", "states", "events", "conflicts", "left_out"}
    checkout = next(each for each in data["commands"] if each["name"] == "CheckoutCart")
    assert checkout["streams"][2] == {
        "field": "products",
        "kind": "discovered",
        "access": "write",
        "state": "Product",
        "category": "product",
        "events": ["Stocked", "StockReserved"],
        "path": "shop/checkout.py",
        "line": 30,
    }
    assert data["conflicts"][1] == {
        "commands": ["BlockCustomer", "CheckoutCart"],
        "verdict": "can",
        "on": [{"streams": "customer", "verdict": "can", "fields": ["customer", "customer"], "access": ["write", "read"]}],
    }
    assert ["BlockCustomer", "StockProduct"] not in [each["commands"] for each in data["conflicts"]]
