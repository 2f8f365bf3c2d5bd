"""Exactly the marked lines of the proofs fail, in every type checker; and every line could."""

from __future__ import annotations

import pytest

from tests.typing.checking import BESIDES, CHECKERS, PROOFS, Findings, Proof

each_checker = pytest.mark.parametrize("checker", CHECKERS)
each_proof = pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)


@pytest.mark.timeout(300)
@each_checker
@each_proof
def test_exactly_the_marked_lines_fail(proof: Proof, checker: str, findings: Findings) -> None:
    expected, found = proof.refused(checker), findings[checker].get(proof.name, {})
    accepted = [f"accepts {proof.at(number)}" for number in sorted(expected - found.keys())]
    refused = [f"refuses {proof.at(number)}: {found[number]}" for number in sorted(found.keys() - expected)]
    assert not accepted + refused, "\n".join([f"{checker} does not do what the proof says:", *accepted, *refused])


@pytest.mark.timeout(300)
@each_checker
@each_proof
def test_lines_fail_for_a_reason_of_types(proof: Proof, checker: str, findings: Findings) -> None:
    found = findings[checker].get(proof.name, {})
    assert [(proof.at(number), texts) for number, texts in found.items() if all(map(BESIDES.search, texts))] == []


@pytest.mark.timeout(300)
@each_checker
@each_proof
def test_every_claim_about_a_type_could_fail(proof: Proof, checker: str, findings: Findings) -> None:
    """Or it would claim nothing: unreachable, of a type that the checker does not know, or lost on it."""
    found = findings[checker].get(f"{proof.name}_falsified", {})
    unseen = proof.claims().keys() - found.keys()
    assert list(map(proof.at, sorted(unseen))) == []


def test_every_proof_marks_lines() -> None:
    assert [proof.name for proof in PROOFS if not proof.refused("mypy")] == []
