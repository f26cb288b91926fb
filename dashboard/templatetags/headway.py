"""`{% load headway %}`: the formats of Headway's pages as template filters."""

from django import template

from dashboard import formats, presentation

register = template.Library()

for _format in (
    formats.duration,
    formats.age,
    formats.number,
    formats.capped,
    formats.offset,
    formats.clock,
    formats.exact_clock,
    formats.day,
    formats.moment,
    formats.exact,
    formats.iso,
    formats.short_id,
    formats.literal,
    presentation.stamp,
):
    register.filter(_format.__name__, _format)
