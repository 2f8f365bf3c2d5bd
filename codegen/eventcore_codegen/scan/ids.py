"""Where ids of streams are made: ``StreamId.of(Product, sku)``, and by hand: ``StreamId(f"product-{sku}")``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from eventcore_codegen.scan.places import Places
from eventcore_codegen.scan.syntax import MadeIdSyntax


def made_ids(module: ast.Module, places: Places) -> Iterator[MadeIdSyntax]:
    """Yield every call that may make the id of a stream; whether it is one is for the names in it to say."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        match node:
            case ast.Call(func=ast.Attribute(value=maker, attr="of"), args=[state, _], keywords=[]):
                names = _dotted(maker), _dotted(state)
                if all(names):
                    yield MadeIdSyntax(*names, "", places.span(node))
            case ast.Call(func=ast.Name() | ast.Attribute() | ast.Subscript() as maker, args=[text], keywords=[]):
                function, state_name = _dotted(maker), ""
                if isinstance(maker, ast.Subscript):
                    function, state_name = _dotted(maker.value), _dotted(maker.slice)
                prefix = _prefix(text)
                if function and "-" in prefix and bool(state_name) == isinstance(maker, ast.Subscript):
                    yield MadeIdSyntax(function, state_name, prefix, places.span(node))
            case _:
                pass


def _dotted(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            outer = _dotted(value)
            return f"{outer}.{attribute}" if outer else ""
        case _:
            return ""


def _prefix(node: ast.AST) -> str:
    """Return how a text begins, as far as that is written out."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return text
        case ast.BinOp(left=left, op=ast.Add()):
            return _prefix(left)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text.partition("%")[0]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text.partition("{")[0]
        case _:
            return ""
