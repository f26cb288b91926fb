"""The stream's own sentences in the reader's language.

The core speaks English and knows no translation: the reasons that it stores with a task, what it
says of a gap, and why a query or a view was refused. Each is listed here as a pattern. A text that
one of them matches is told in the language of the request; any other stays as it is. The page's
script does the same with `for_script` (`static/headway/said.js`): what comes by the socket is told
to every viewer in the same English. `tests/vectors/said.json` holds both to it.
"""

import functools
import re
from collections.abc import Mapping

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

MAX_LENGTH = 2000
"""Of a text that is looked up, in characters: the core's own are shorter."""

# What a place holds may be a sentence or a phrase itself. The first pattern that matches counts.
_OF_TASKS = (
    gettext_noop("Only its stored result is known."),
    gettext_noop("Only its stored result is known, which says that it was to be tried again."),
    gettext_noop("It was not started before it expired."),
    gettext_noop("Its worker is gone; the broker hands it on."),
    gettext_noop("No worker took it before it expired."),
    gettext_noop("No event of its own was seen yet."),
    gettext_noop("Nothing was heard of it since the gap of %(time)s UTC: %(why)s."),
    gettext_noop("Its worker put it back in the queue."),
    gettext_noop("Its worker %(worker)s is gone."),
    gettext_noop("Its worker %(worker)s is silent."),
    gettext_noop("It runs beyond its time limit."),
    gettext_noop("It was handed over; no news yet."),
    gettext_noop("It was handed over, and nothing was heard of it for 10 minutes."),
)
_OF_GAPS = (
    gettext_noop("the workers could not be asked"),
    gettext_noop("its worker did not answer"),
    gettext_noop("the result backend could not be asked"),
    gettext_noop("no worker holds it and no result is stored"),
    gettext_noop("tasks that began and ended in it are not all known"),
    gettext_noop("tasks that began and ended in it are not known, %(why)s"),
    gettext_noop("no result backend is configured"),
    gettext_noop("the rpc:// backend answers only the client that sent the task"),
    gettext_noop("the %(name)s of Celery stores pickles, which are never loaded"),
    gettext_noop("result_serializer is %(name)s; only json is read"),
    gettext_noop("%(name)s cannot be searched by time"),
    gettext_noop("no receiver was running"),
    gettext_noop("the connection to the broker was lost for a moment"),
    gettext_noop("no answer"),
    gettext_noop("not connected yet"),
    gettext_noop("no event comes back from the broker"),
    gettext_noop("nothing came back from the broker"),
    gettext_noop("probes cannot be sent: %(why)s"),
    gettext_noop("the broker cannot be reached: %(why)s"),
    gettext_noop("this queue does not exist"),
    gettext_noop("this broker does not tell"),
)
_OF_QUERIES = (
    gettext_noop("There are %(count)s terms; at most %(limit)s are allowed."),
    gettext_noop("There are %(count)s values in this term; at most %(limit)s are allowed."),
    gettext_noop("The query has %(count)s characters; at most %(limit)s are allowed."),
    gettext_noop("A query cannot hold the character U+%(code)s: leave it out."),
    gettext_noop('These quotes do not end: close them with ".'),
    gettext_noop(
        'A "-" negates the one term that follows it directly; put text that begins with "-" in'
        " quotes."
    ),
    gettext_noop(
        "There is no word %(word)s.%(hint)s The words are %(words)s."
        " To search for text with a colon, put it in quotes."
    ),
    gettext_noop(
        "You may not read %(fields)s of tasks, so %(word)s: is not for you: take the term out, or"
        " ask for that permission."
    ),
    gettext_noop('A value is missing here: write one, or "" for an empty one.'),
    gettext_noop("There is no text between these quotes: write what to search for."),
    gettext_noop("%(value)s is no value of %(word)s: %(expected)s"),
    gettext_noop(
        "it takes %(values)s, in capitals or not, or a state of your own, in capitals or in"
        " quotes.%(hint)s"
    ),
    gettext_noop("it takes a time such as >5s, <=1m30s or 200ms..2s."),
    gettext_noop("it takes a whole number such as 3, >0 or 2..5."),
    gettext_noop(
        "it takes a time before now (90s, 15m, 1h, 7d), a date (2026-11-21) or a date and time"
        " (2026-11-21T10:00, UTC unless it ends in an offset such as +02:00)."
    ),
    gettext_noop("the range is empty, its first end is the greater one."),
    gettext_noop("it takes %(values)s.%(hint)s"),
    gettext_noop('Did you mean "%(word)s"?'),
)
_OF_VIEWS = (
    gettext_noop("You may not see tasks: ask for the permission headway.view_task."),
    gettext_noop("You may not see %(what)s: ask for %(permission)s."),
    gettext_noop("Failures are counted over all tasks, and you may see only some of them."),
    gettext_noop("The store does not answer."),
    gettext_noop("The store does not answer; this will be tried again."),
    gettext_noop(
        "This query takes too long to answer. Add a term such as name:, queue: or since:."
    ),
    gettext_noop("This server keeps at most %(limit)s different views."),
    gettext_noop("Too many live connections: close other pages first."),
    gettext_noop("Too many answers wait to be acknowledged."),
    gettext_noop("Too many frames could not be read."),
    gettext_noop("Too many views were opened in a short time."),
    gettext_noop("A socket has at most %(limit)s views: close one first."),
    gettext_noop("No acknowledgement came for 30 seconds."),
    gettext_noop("Sign in, or send an API key in Authorization: Bearer."),
    gettext_noop("%(cursor)s is no cursor of a list: take `after` from the answer before."),
    gettext_noop("after: this is no cursor of the audit: take it from the answer before."),
)
# Those of `dashboard.reasons` that name something: live rows bring them whole.
_OF_ACTIONS = (
    gettext_noop("The broker has no queue named %(more)s."),
    gettext_noop("The broker does not answer (%(more)s). Try again when it is back."),
    gettext_noop("It could not be sent (%(more)s)."),
    gettext_noop("no reason told"),
)
SENTENCES = (*_OF_ACTIONS, *_OF_TASKS, *_OF_GAPS, *_OF_QUERIES, *_OF_VIEWS)

# What a view may not be seen of; a permission's name stays.
_KINDS: Mapping[str, str] = {
    "workers": gettext_noop("workers"),
    "failures": gettext_noop("failures"),
    "queues": gettext_noop("queues"),
    "schedule": gettext_noop("schedule"),
    "audit": gettext_noop("audit"),
    "operations": gettext_noop("operations"),
    "overview": gettext_noop("overview"),
    "tasks": gettext_noop("tasks"),
}

DESCRIPTIONS = (
    gettext_noop("Celery's word for it"),
    gettext_noop("where the task stands"),
    gettext_noop("how the task ended"),
    gettext_noop("the task's name"),
    gettext_noop("the queue it was sent to"),
    gettext_noop("the worker that took it"),
    gettext_noop("the task's id"),
    gettext_noop("the id of its workflow's first task"),
    gettext_noop("the id of the task that called it"),
    gettext_noop("the id of its group"),
    gettext_noop("for whom it runs"),
    gettext_noop("the label that people are shown"),
    gettext_noop("the exception's type, or its text with *"),
    gettext_noop("the signature of its failure"),
    gettext_noop("the value of any argument"),
    gettext_noop("the value of one keyword argument"),
    gettext_noop("how long it ran"),
    gettext_noop("how long it waited for a worker"),
    gettext_noop("how often it was retried"),
    gettext_noop("the priority it was sent with"),
    gettext_noop("first seen then or later"),
    gettext_noop("first seen before then"),
    gettext_noop("has such a thing at all"),
    gettext_noop("what was decided"),
    gettext_noop("last seen then or later"),
)
"""What the words of the filter language stand for."""

_PLACE = re.compile(r"%\((\w+)\)s")
_DEPTH = 3


def said(text: str) -> str:
    """A text of the core in the language of the request; as it is where it is not known."""
    if (get_language() or "en").partition("-")[0] == "en":
        return text
    return _said(text, _DEPTH)


def described(word: str) -> str:
    """What a word of the filter language stands for."""
    return _(word) if word else ""


def for_script() -> dict[str, str]:
    """The patterns with their translations, for the page's script; empty for English."""
    known = (*SENTENCES, *_KINDS.values())
    return {english: told for english in known if (told := _(english)) != english}


def _said(text: str, depth: int) -> str:
    bare = text.strip()
    if not bare or not depth:
        return text
    found = _recognised(bare)
    if found is None:
        parts = bare.split("; ")
        return text if len(parts) == 1 else "; ".join(_said(part, depth - 1) for part in parts)
    sentence, values = found
    told = {name: _said(value, depth - 1) for name, value in values.items()}
    return text.replace(bare, _(sentence) % told if told else _(sentence), 1)


@functools.lru_cache(maxsize=1024)
def _recognised(text: str) -> tuple[str, dict[str, str]] | None:
    """The sentence that a text is made of, and what its places hold."""
    if len(text) > MAX_LENGTH:
        return None
    if text in _KINDS:
        return _KINDS[text], {}
    for sentence, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match:
            return sentence, match.groupdict()
    return None


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((sentence, re.compile(_pattern(sentence), re.DOTALL)) for sentence in SENTENCES)


def _pattern(sentence: str) -> str:
    """The sentence as a regular expression: a place holds as little as it can."""
    parts = _PLACE.split(sentence)
    return "".join(
        f"(?P<{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )
