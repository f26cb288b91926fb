"""Python's cyclic garbage collector, in a process that receives."""

import gc

YOUNG = 50_000
"""Objects made between two looks at the young ones. At Python's 700 a look falls into every tenth
task, and the full ones that follow from them visit every task held: a fifth of the CPU per event.
Tasks form no cycles and are freed without it; 50,000 small objects are about 5 MB."""


def relax() -> None:
    """Collect seldom from now on, and never again look at what was imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
