"""Known answers: the test vectors of the certificate-transparency reference implementation (RFC 6962)."""

import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger import merkle

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {  # (leaf, size) -> audit path
    (0, 1): [],
    (0, 8): ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"],
    (5, 8): ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}  # fmt: skip
CONSISTENCY = {  # (old, size) -> proof
    (1, 1): [],
    (1, 8): ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"],
    (6, 8): ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
    (2, 5): ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}  # fmt: skip


def tree():
    frontier, nodes, roots = merkle.Frontier(), {}, [merkle.Frontier().root().hex()]
    for index, text in enumerate(LEAVES):
        nodes[0, index] = merkle.leaf_hash(bytes.fromhex(text))
        nodes.update(frontier.append(nodes[0, index]))
        roots.append(frontier.root().hex())
    return nodes, roots


def test_roots():
    assert tree()[1] == ROOTS


@pytest.mark.parametrize(("case", "path"), INCLUSION.items())
def test_inclusion(case, path):
    nodes, (index, size) = tree()[0], case
    fetch = lambda wanted: {n: nodes[n] for n in wanted}  # noqa: E731
    proof = merkle.inclusion_proof(index, size, fetch)
    assert [h.hex() for h in proof] == path
    assert merkle.verify_inclusion(nodes[0, index], index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("case", "path"), CONSISTENCY.items())
def test_consistency(case, path):
    nodes, (old, size) = tree()[0], case
    proof = merkle.consistency_proof(old, size, lambda wanted: {n: nodes[n] for n in wanted})
    assert [h.hex() for h in proof] == path
    assert merkle.verify_consistency(old, size, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[size]), proof)
    assert not merkle.verify_consistency(old, size, bytes.fromhex(ROOTS[0]), bytes.fromhex(ROOTS[size]), proof)


def test_what_is_not_in_the_tree_has_no_proof():
    nodes = tree()[0]
    fetch = lambda wanted: {n: nodes[n] for n in wanted if n in nodes}  # noqa: E731
    with pytest.raises(EvidenceError, match="leaf 8 is not in a tree of 8"):
        merkle.inclusion_proof(8, 8, fetch)
    with pytest.raises(EvidenceError, match="no beginning"):
        merkle.consistency_proof(0, 8, fetch)
    with pytest.raises(EvidenceError, match="no node"):
        merkle.root(9, fetch)
    with pytest.raises(EvidenceError, match="needs 2 nodes"):
        merkle.Frontier(6, [b"x" * 32])
