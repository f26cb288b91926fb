"""Run as a script by `hostapp`, nothing of ours imported: prints an app's settings, pickled."""

import os
import pickle
import sys


def settings(name: str) -> dict[str, bytes]:
    """Every setting that differs from Celery's default and can be pickled, each by itself."""
    from celery.app.defaults import DEFAULTS
    from celery.app.utils import find_app

    app = find_app(name)
    # Only then it has the periodic tasks that its `on_after_finalize` adds.
    app.finalize(auto=True)
    conf = app.conf
    found = {}
    for key, default in DEFAULTS.items():
        value = conf.get(key, default)
        if value == default:
            continue
        try:
            found[key] = pickle.dumps(value)
        except Exception:  # noqa: BLE001, S112 - a function of the host's own stays there
            continue
    return found


if __name__ == "__main__":
    # What the host's modules print must not mix with the answer.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # The script's own directory holds modules of ours that a host's imports could hit.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - before anything else is imported
    with answer:
        answer.write(pickle.dumps(settings(sys.argv[1])))
