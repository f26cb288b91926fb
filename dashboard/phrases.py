"""Schedules in plain words: `every 5 min`, `every day at 04:00`. `static/headway/phrases.js` writes
the same; tests/vectors/phrases.json holds both to it.

What comes is what Celery writes of a schedule. Only common forms are put into words; a page shows
the schedule as it is written beside them.
"""

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

WORDS: Mapping[str, object] = {
    "every_second": _("every %(count)s s"),
    "every_minute": _("every %(count)s min"),
    "every_hour": _("every %(count)s h"),
    "every_day": _("every %(count)s days"),
    "each_second": _("every second"),
    "each_minute": _("every minute"),
    "each_hour": _("every hour"),
    "each_day": _("every day"),
    "hourly_at": _("every hour at :%(minute)s"),
    "hours_at": _("every %(count)s h at :%(minute)s"),
    "daily_at": _("every day at %(time)s"),
    "weekly_at": _("%(days)s at %(time)s"),
    "monthly_at": _("on day %(day)s of the month at %(time)s"),
    "day_range": _("%(first)s to %(last)s"),
    "day_0": _("Sunday"),
    "day_1": _("Monday"),
    "day_2": _("Tuesday"),
    "day_3": _("Wednesday"),
    "day_4": _("Thursday"),
    "day_5": _("Friday"),
    "day_6": _("Saturday"),
}

_EVERY = re.compile(r"(?:every|freq:) (\d+(?:\.\d+)?) (second|minute|hour|day)s?")
_CRONTAB = re.compile(r"crontab: (\S+) (\S+) (\S+) (\S+) (\S+) \(m/h/dM/MY/d\)(?: .*)?")
_STEP = re.compile(r"\*/([1-9]\d?)")
_NUMBER = re.compile(r"\d{1,2}")
_RANGE = re.compile(r"(\w+)-(\w+)")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def plain(schedule: str, words: Mapping[str, str]) -> str:
    """The schedule in words; empty where it has no common form. `words` hold those of `WORDS`."""
    every = _EVERY.fullmatch(schedule)
    if every:
        return _every(every[1], every[2], words)
    crontab = _CRONTAB.fullmatch(schedule)
    return _crontab(crontab.groups(), words) if crontab else ""


def _every(count: str, unit: str, words: Mapping[str, str]) -> str:
    number = re.sub(r"\.?0+\Z", "", count) if "." in count else count
    return words[f"each_{unit}"] if number == "1" else words[f"every_{unit}"] % {"count": number}


def _crontab(fields: tuple[str, ...], words: Mapping[str, str]) -> str:
    minute, hour, day, month, weekday = fields
    if month != "*":
        return ""
    if day == "*" and weekday == "*":
        return _by_clock(minute, hour, words)
    if not (_NUMBER.fullmatch(minute) and _NUMBER.fullmatch(hour)):
        return ""
    time = _time(hour, minute)
    if weekday == "*":
        number = _NUMBER.fullmatch(day)
        return words["monthly_at"] % {"day": int(day), "time": time} if number else ""
    days = _days(weekday, words) if day == "*" else ""
    return words["weekly_at"] % {"days": days, "time": time} if days else ""


def _by_clock(minute: str, hour: str, words: Mapping[str, str]) -> str:
    step = _STEP.fullmatch(minute)
    if hour == "*" and (minute == "*" or step):
        return _every(step[1] if step else "1", "minute", words)
    if not _NUMBER.fullmatch(minute):
        return ""
    past = f"{int(minute):02d}"
    if hour == "*":
        return words["hourly_at"] % {"minute": past}
    step = _STEP.fullmatch(hour)
    if step:
        return words["hours_at"] % {"count": step[1], "minute": past}
    return words["daily_at"] % {"time": _time(hour, minute)} if _NUMBER.fullmatch(hour) else ""


def _time(hour: str, minute: str) -> str:
    return f"{int(hour):02d}:{int(minute):02d}"


def _days(text: str, words: Mapping[str, str]) -> str:
    """`mon-fri`, `1,3`, `sunday` in words; empty where one of them is no day."""
    named = [_day_or_range(part, words) for part in text.split(",")]
    return ", ".join(named) if all(named) else ""


def _day_or_range(text: str, words: Mapping[str, str]) -> str:
    both = _RANGE.fullmatch(text)
    if not both:
        return _day(text, words)
    first, last = _day(both[1], words), _day(both[2], words)
    return words["day_range"] % {"first": first, "last": last} if first and last else ""


def _day(text: str, words: Mapping[str, str]) -> str:
    short = text[:3].lower()
    number = _DAYS.index(short) if short in _DAYS else int(text) if text in "0123456" else -1
    return words.get(f"day_{number}", "")
