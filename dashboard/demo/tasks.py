"""Orders, payments, imports, reports and mail: what runs behind the shop's counter."""

from typing import Any

from celery import Task, shared_task

from dashboard.demo.work import busy, chance, report

IMPORT_STAGES = ("read", "check", "write", "index")


class CardDeclined(Exception):
    """The bank said no; asking again does not help."""


class GatewayTimeout(Exception):
    """The payment service did not answer in time."""


class PriceListRejected(ValueError):
    """A supplier's price list cannot be right."""


@shared_task(name="shop.orders.reserve_stock")
def reserve_stock(order: int, skus: list[str]) -> dict[str, Any]:
    """Take the articles of an order out of the stock."""
    busy(0.2, 0.9)
    return {"order": order, "skus": skus, "warehouse": "north"}


@shared_task(
    bind=True,
    name="shop.payments.charge_card",
    autoretry_for=(GatewayTimeout,),
    max_retries=4,
    retry_backoff=2,
    retry_jitter=True,
)
def charge_card(
    self: Task, reserved: dict[str, Any], *, amount: float, card_number: str, flaky: float = 0.25
) -> dict[str, Any]:
    """Charge the customer; the payment service fails in `flaky` of all attempts."""
    busy(0.4, 1.4)
    if chance(flaky):
        raise GatewayTimeout("no answer from pay.example within 1.5 s")
    if chance(0.04):
        raise CardDeclined("insufficient funds")
    return {**reserved, "amount": amount, "attempts": self.request.retries + 1}


@shared_task(name="shop.orders.pack")
def pack(paid: dict[str, Any]) -> dict[str, Any]:
    """Have the warehouse pack the order."""
    busy(0.6, 2.5)
    return {**paid, "parcel": f"P-{paid['order']}"}


@shared_task(name="shop.mail.send_receipt")
def send_receipt(packed: dict[str, Any], *, to: str) -> str:
    """Mail the receipt."""
    busy(0.1, 0.5)
    return f"receipt for order {packed['order']} sent"


@shared_task(name="shop.mail.send_reminder")
def send_reminder(cart: int, *, to: str) -> str:
    """Remind a customer of a full cart; always scheduled ahead."""
    busy(0.1, 0.4)
    return f"reminder for cart {cart} sent"


@shared_task(name="shop.mail.send_newsletter")
def send_newsletter(issue: str, *, recipients: int) -> str:
    """Send the newsletter; scheduled ahead, and sometimes called off."""
    busy(1, 3)
    return f"{issue} sent to {recipients} readers"


@shared_task(bind=True, name="shop.catalog.import_products")
def import_products(self: Task, file: str, rows: int) -> dict[str, Any]:
    """Read a supplier's file in four stages, each with a progress of its own."""
    for stage in IMPORT_STAGES:
        for done in range(0, rows + 1, max(rows // 12, 1)):
            report(
                self,
                done,
                rows,
                unit="rows",
                stage=stage,
                stages=IMPORT_STAGES,
                message=f"{stage.capitalize()} rows",
            )
            busy(0.08, 0.3)
    return {"file": file, "rows": rows, "skipped": rows % 7}


@shared_task(bind=True, name="shop.stock.sync_supplier", max_retries=1)
def sync_supplier(self: Task, supplier: str, *, trouble: str = "") -> int:
    """Fetch a supplier's stock. `trouble` is how it fails: network, data or bug."""
    busy(0.5, 2)
    if trouble == "network":
        error = ConnectionError(f"{supplier}.example refused the connection")
        raise self.retry(exc=error, countdown=3)
    if trouble == "data":
        raise PriceListRejected(f"14 articles of {supplier!r} cost less than nothing")
    articles = {"lamp": 12, "chair": 4}
    return sum(articles[name] for name in (["sofa"] if trouble == "bug" else articles))


@shared_task(name="shop.reports.nightly_sales")
def nightly_sales(day: str) -> dict[str, Any]:
    """Add up a day; it tells no progress, only that it runs."""
    busy(6, 14)
    return {"day": day, "orders": 1482, "revenue": 93_412.5}


@shared_task(bind=True, name="shop.reports.rebuild_search_index")
def rebuild_search_index(self: Task, articles: int) -> int:
    """The one that takes long; how much there is to do shows only on the way."""
    for done in range(0, articles, max(articles // 60, 1)):
        report(self, done, None, unit="articles", message=f"{done:,} indexed")
        busy(0.6, 1.1)
    return articles
