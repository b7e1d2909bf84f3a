"""Laws of the Merkle tree against RFC 6962's own recursive definition."""

import hashlib

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aims_mlflow.ledger import merkle

SIZES = st.integers(1, 130)
LAW = settings(max_examples=300, deadline=None)


def naive_root(leaves):
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m, leaves):
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def hashes(size):
    return [merkle.leaf_hash(b"leaf %d" % i) for i in range(size)]


def stored(leaves):
    """A store as the ledger keeps it: complete nodes, each written once."""
    frontier, nodes = merkle.Frontier(), {}
    for index, leaf in enumerate(leaves):
        nodes[0, index] = leaf
        for node, value in frontier.append(leaf):
            assert node not in nodes
            nodes[node] = value
    return frontier, lambda wanted: {n: nodes[n] for n in wanted if n in nodes}


@LAW
@given(st.integers(0, 130))
def test_a_growing_tree_has_the_root_of_the_definition(size):
    leaves = hashes(size)
    frontier, fetch = stored(leaves)
    assert frontier.root() == naive_root(leaves) == merkle.root(size, fetch)
    known = fetch(merkle.nodes_of(0, size))
    again = merkle.Frontier(size, [known[n] for n in merkle.nodes_of(0, size)])
    assert again.root() == frontier.root()
    assert again.append(b"x" * 32) == frontier.append(b"x" * 32)


@LAW
@given(st.data(), SIZES)
def test_proofs_of_any_size_within_a_larger_tree_are_those_of_the_definition(data, size):
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size + data.draw(st.integers(0, 40)))
    _, fetch = stored(leaves)
    proof = merkle.inclusion_proof(index, size, fetch)
    assert proof == naive_path(index, leaves[:size])
    assert merkle.verify_inclusion(leaves[index], index, size, proof, naive_root(leaves[:size]))


@LAW
@given(st.data(), SIZES)
def test_consistency_proofs_are_those_of_the_definition(data, size):
    old = data.draw(st.integers(1, size))
    leaves = hashes(size + data.draw(st.integers(0, 40)))
    _, fetch = stored(leaves)
    proof = merkle.consistency_proof(old, size, fetch)
    assert proof == naive_subproof(old, leaves[:size], True)
    assert merkle.verify_consistency(old, size, naive_root(leaves[:old]), naive_root(leaves[:size]), proof)


@LAW
@given(st.data(), SIZES)
def test_no_other_leaf_place_size_path_or_root_is_included(data, size):
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    _, fetch = stored(leaves)
    proof, top = merkle.inclusion_proof(index, size, fetch), naive_root(leaves)
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index) if size > 1 else st.just(index + 1))
    assert not merkle.verify_inclusion(leaves[index], other, size, proof, top)
    assert not merkle.verify_inclusion(merkle.leaf_hash(b"else"), index, size, proof, top)
    assert not merkle.verify_inclusion(leaves[index], index, size, proof, merkle.leaf_hash(b"else"))
    assert not merkle.verify_inclusion(leaves[index], index, size, [*proof, top], top)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
        assert not merkle.verify_inclusion(leaves[index], index, size, changed, top)
        assert not merkle.verify_inclusion(leaves[index], index, size, proof[:-1], top)


@LAW
@given(st.data(), st.integers(2, 130))
def test_a_rewritten_beginning_is_never_consistent(data, size):
    old = data.draw(st.integers(1, size))
    at = data.draw(st.integers(0, old - 1))
    leaves = hashes(size)
    rewritten = [*leaves[:at], merkle.leaf_hash(b"rewritten"), *leaves[at + 1 :]]
    _, fetch = stored(rewritten)
    proof = merkle.consistency_proof(old, size, fetch)
    assert not merkle.verify_consistency(old, size, naive_root(leaves[:old]), naive_root(rewritten), proof)


@LAW
@given(
    st.integers(-2, 2**64), st.integers(-2, 2**64), st.lists(st.binary(min_size=31, max_size=33), max_size=130),
    st.binary(min_size=32, max_size=32),
)  # fmt: skip
def test_verification_ends_and_says_no_whatever_it_is_given(index, size, proof, top):
    assume(not (proof == [] and index in (0, size)))
    assert merkle.verify_inclusion(b"l" * 32, index, size, proof, top) is False
    assert merkle.verify_consistency(index, size, b"o" * 32, top, proof) is False
