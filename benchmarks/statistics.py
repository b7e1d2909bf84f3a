"""What the intervals cover, and how often fair models fail, unfair ones are caught and equal halves are flagged.

python benchmarks/statistics.py [--json] [--runs 2000]

The simulations are in `simulations.py`. This file has the name of a module of the standard library, which stands before
that on the path of every script in this folder: imported, it is the standard library's.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    from simulations import main

    main()
else:
    spec = PathFinder.find_spec(__name__, [path for path in sys.path if Path(path or ".").resolve() != HERE])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[__name__] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[__name__])
