"""The tasks whose events are recorded: quick ones with the arguments of a shop, some that fail."""

import os
from collections.abc import Mapping

from celery import Celery

app = Celery("shop", broker=os.environ.get("HEADWAY_TEST_BROKER_URL", "memory://"))
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=16)

ONE_FAILS_OF = 25


@app.task(name="shop.orders.charge")
def charge(order: int, *, customer: str, amount: str) -> Mapping[str, object]:
    """Charge an order; one of 25 is declined."""
    if order % ONE_FAILS_OF == 0:
        raise ValueError(f"Card declined for order {order}")
    return {"order": order, "customer": customer, "charged": amount}
