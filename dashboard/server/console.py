"""Answers of the command line. Standard output is for them alone; the log has standard error."""

import sys


def say(line: str) -> None:
    """One line of an answer, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
