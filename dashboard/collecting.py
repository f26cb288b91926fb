"""Python's cyclic garbage collector and its threads, in a process that receives."""

import gc
import sys

YOUNG = 50_000
"""Objects made between two looks at the young ones. At Python's 700 a look falls into every tenth
task, and the full ones that follow from them visit every task held: a fifth of the CPU per event.
Tasks form no cycles and are freed without it; 50,000 small objects are about 5 MB."""
SWITCH_S = 0.0005
"""How long a thread that computes keeps the others waiting. A thread that commits waits so long
after each of the ten answers of a database; Python's 5 ms would make them half of its time."""


def relax() -> None:
    """Collect seldom from now on, never look again at what was imported; switch threads soon."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_S)
