"""What happens in the shop: each scene starts one piece of work, as a visitor's click would."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from celery import chain, chord, group
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard.demo import media, tasks

_SKUS = ("lamp-07", "chair-22", "desk-03", "sofa-11", "rug-40", "shelf-15")
_SUPPLIERS = ("nordlys", "halvorsen", "atelier9", "kiruna")
_PEOPLE = ("ada", "grace", "alan", "edsger", "barbara", "donald")

Chance = random.Random


def _order(chance: Chance) -> str:
    number = chance.randrange(10_000, 99_999)
    skus = chance.sample(_SKUS, chance.randint(1, 3))
    work = chain(
        tasks.reserve_stock.s(number, skus),
        tasks.charge_card.s(
            amount=round(chance.uniform(9, 900), 2), card_number="4111 1111 1111 1111"
        ),
        tasks.pack.s(),
        tasks.send_receipt.s(to=f"{chance.choice(_PEOPLE)}@customer.example"),
    )
    return str(work.apply_async().id)


def _flaky_payment(chance: Chance) -> str:
    number = chance.randrange(10_000, 99_999)
    return str(
        tasks.charge_card.delay(
            {"order": number},
            amount=round(chance.uniform(9, 900), 2),
            card_number="4000 0000 0000 0002",
            flaky=0.75,
        ).id
    )


def _gallery(chance: Chance) -> str:
    sku = chance.choice(_SKUS)
    pictures = [f"upload/{sku}/{n:02}.jpg" for n in range(chance.randint(4, 9))]
    work = chord(
        [media.resize_image.s(path, width=1600) for path in pictures],
        media.publish_gallery.s(sku=sku),
    )
    return str(work.apply_async().id)


def _colours(chance: Chance) -> str:
    sku = chance.choice(_SKUS)
    work = group(media.extract_colours.s(f"upload/{sku}/{n:02}.jpg") for n in range(4))
    return str(work.apply_async().id)


def _film(chance: Chance) -> str:
    path = f"upload/{chance.choice(_SKUS)}/film.mov"
    return str(media.transcode_video.delay(path, frames=chance.randrange(1_200, 7_200)).id)


def _import(chance: Chance) -> str:
    file = f"{chance.choice(_SUPPLIERS)}-{datetime.now(UTC):%Y-%m-%d}.csv"
    return str(tasks.import_products.delay(file, chance.randrange(240, 4_800)).id)


def _trouble(chance: Chance) -> str:
    trouble = chance.choice(("network", "data", "bug"))
    return str(tasks.sync_supplier.delay(chance.choice(_SUPPLIERS), trouble=trouble).id)


def _sync(chance: Chance) -> str:
    return str(tasks.sync_supplier.delay(chance.choice(_SUPPLIERS)).id)


def _report(chance: Chance) -> str:
    return str(tasks.nightly_sales.delay(f"{datetime.now(UTC):%Y-%m-%d}").id)


def _index(chance: Chance) -> str:
    return str(tasks.rebuild_search_index.delay(chance.randrange(20_000, 60_000)).id)


def _reminder(chance: Chance) -> str:
    sent = tasks.send_reminder.apply_async(
        (chance.randrange(100, 999),),
        {"to": f"{chance.choice(_PEOPLE)}@customer.example"},
        countdown=chance.uniform(8, 40),
    )
    return str(sent.id)


def _called_off(chance: Chance) -> str:
    sent = tasks.send_newsletter.apply_async(
        (f"week {datetime.now(UTC):%V}",),
        {"recipients": chance.randrange(2_000, 20_000)},
        countdown=6,
    )
    sent.revoke()
    return str(sent.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One thing that happens. `start` returns the id of a task that it started (or of its group);
    `weight` is how often it happens by itself."""

    slug: str
    title: str | Promise
    about: str | Promise
    start: Callable[[Chance], str]
    weight: int


SCENES = (
    Scene(
        slug="order",
        title=_("Place an order"),
        about=_("A chain: reserve, charge, pack, mail the receipt."),
        start=_order,
        weight=30,
    ),
    Scene(
        slug="payment",
        title=_("Charge a difficult card"),
        about=_("Fails most of the time and is tried again, later and later."),
        start=_flaky_payment,
        weight=8,
    ),
    Scene(
        slug="gallery",
        title=_("Upload pictures"),
        about=_("A chord: many pictures side by side, then one task that publishes them."),
        start=_gallery,
        weight=7,
    ),
    Scene(
        slug="colours",
        title=_("Find colours"),
        about=_("A group of four."),
        start=_colours,
        weight=4,
    ),
    Scene(
        slug="film",
        title=_("Convert a film"),
        about=_("Tells its progress frame by frame."),
        start=_film,
        weight=6,
    ),
    Scene(
        slug="import",
        title=_("Import a catalogue"),
        about=_("Four stages, each with a progress of its own."),
        start=_import,
        weight=6,
    ),
    Scene(
        slug="sync",
        title=_("Ask a supplier"),
        about=_("Short, and it works."),
        start=_sync,
        weight=10,
    ),
    Scene(
        slug="trouble",
        title=_("Ask a supplier with trouble"),
        about=_("Fails in one of three ways: network, data, or a bug of ours."),
        start=_trouble,
        weight=7,
    ),
    Scene(
        slug="report",
        title=_("Add up the day"),
        about=_("The nightly report; runs a while without a word."),
        start=_report,
        weight=2,
    ),
    Scene(
        slug="index",
        title=_("Rebuild the search index"),
        about=_("Takes long, and does not know how long."),
        start=_index,
        weight=1,
    ),
    Scene(
        slug="reminder",
        title=_("Remind of a cart"),
        about=_("Scheduled for later."),
        start=_reminder,
        weight=5,
    ),
    Scene(
        slug="newsletter",
        title=_("Call off a newsletter"),
        about=_("Scheduled, and revoked before its time."),
        start=_called_off,
        weight=2,
    ),
)

BY_SLUG = {scene.slug: scene for scene in SCENES}
