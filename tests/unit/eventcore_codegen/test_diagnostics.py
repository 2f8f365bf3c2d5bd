from __future__ import annotations

from eventcore_codegen.diagnostics import CODES, Diagnostic, Severity, Span, sorted_diagnostics


def fault(line_text: str, span: Span, *, help_: str = "mend it", path: str = "a.py", code: str = "EC104") -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, path, span, "it is wrong", help_, line_text)


def test_the_text_names_the_place_and_shows_it():
    assert (
        str(fault("cart: Cart", Span(3, 7, 3, 11))) == "a.py:3:7: EC104 error: it is wrong\n    cart: Cart\n          ^^^^\nhelp: mend it"
    )


def test_tabs_are_expanded_in_the_line_and_under_it_alike():
    lines = str(fault("\tcart:\tCart", Span(3, 8, 3, 12))).splitlines()

    assert lines[1].index("Cart") == lines[2].index("^")
    assert lines[2].count("^") == 4


def test_carets_stand_under_characters_that_are_two_cells_wide():
    lines = str(fault("名: 車", Span(1, 4, 1, 5))).splitlines()

    assert lines[2] == "    " + "    " + "^^"


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first():
    assert str(fault("a: Foo[", Span(1, 4, 3, 2))).splitlines()[2] == "       ^^^^"


def test_a_span_beyond_the_line_still_gets_a_caret():
    assert "^" in str(fault("ab", Span(1, 9, 1, 10)))


def test_without_a_line_and_help_only_the_head_is_left():
    assert str(fault("", Span(1, 1, 1, 1), help_="")) == "a.py:1:1: EC104 error: it is wrong"


def test_diagnostics_are_sorted_by_path_and_place_and_said_once():
    late, early, other = fault("", Span(10, 1, 10, 2)), fault("", Span(9, 5, 9, 6)), fault("", Span(1, 1, 1, 1), path="b.py")

    assert sorted_diagnostics([other, late, early, late]) == (early, late, other)


def test_every_code_is_spelled_alike():
    assert all(code.startswith("EC") and len(code) == 5 and text for code, text in CODES.items())
