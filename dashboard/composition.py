"""The receiving half put together: the only place that knows all of its concrete classes."""

import logging
import os
import socket
import time
from functools import partial

from celery import Celery
from django.db import DEFAULT_DB_ALIAS, connections

from dashboard import beat, celeryapp, collecting, nodes, routing
from dashboard.conf import Conf
from dashboard.redaction import Redaction
from dashboard.running import Part
from dashboard.store import Store
from realtime import results, schedule
from realtime.inbox import Inbox
from realtime.inspection import Inspection, survey
from realtime.pipeline import Pipeline
from realtime.ports import Publisher
from realtime.publisher import LayerPublisher, LocalPublisher
from realtime.queues import QueueWatch
from realtime.receiver import Receiver
from realtime.repair import Repairer
from realtime.schedule import ScheduleWatch

logger = logging.getLogger(__name__)


def receiving(settings: Conf, publisher: Publisher) -> dict[str, Part]:
    """Every part of a receiver by its name, for `running.Parts`; the pipeline first. The process is
    set up for them.

    Raises NoCeleryApp, NoNodeName.
    """
    collecting.relax()
    app = celeryapp.load(settings)
    inbox = Inbox()
    # The pipeline is made below, and leads only once it runs.
    inspection = Inspection(app, inbox, is_leading=lambda: pipeline.is_leader)
    receiver = Receiver(
        app,
        inbox,
        node_id=settings.node_id or nodes.node_id(*_shared(app)),
        on_worker=inspection.notice,
    )
    unsearchable = results.unsearchable(app)
    repairer = Repairer(
        lookup=lambda ids: results.evidence(app, ids, time.time()),
        survey=lambda: survey(app, time.time),
        search=None if unsearchable else partial(results.search, app),
        unsearchable=unsearchable,
        inbox=inbox,
        clock=time.time,
    )
    pipeline = Pipeline(
        store=Store(),
        inbox=inbox,
        source=receiver,
        publisher=publisher,
        redactor=Redaction(settings.redact),
        holder=f"{socket.gethostname()}:{os.getpid()}",
        repairer=repairer,
        forget_workers_after_s=settings.forget_workers_after,
    )
    sources = [partial(schedule.configured, app)]
    if beat.is_installed():
        sources.append(partial(beat.planned, app))
    parts: dict[str, Part] = {
        "pipeline": pipeline,
        "receiver": receiver,
        "inspection": inspection,
        "repairer": repairer,
        "queues": QueueWatch(
            app,
            inbox,
            names=lambda: pipeline.queue_names,
            is_leading=lambda: pipeline.is_leader,
        ),
        "schedule": ScheduleWatch(
            inbox,
            sources=sources,
            history=beat.history,
            is_leading=lambda: pipeline.is_leader,
        ),
    }
    listener = results.ResultListener(app, inbox)
    if listener.is_active:
        parts["results"] = listener
    else:
        logger.info("Results: %s", listener.describe(), extra={"action": "no_live_results"})
    return parts


def _shared(app: Celery) -> list[str]:
    """What all receivers of this deployment have in common, without secrets."""
    database = connections[DEFAULT_DB_ALIAS].settings_dict
    where = [str(database[name]) for name in ("ENGINE", "HOST", "PORT", "NAME")]
    return [app.connection_for_read().as_uri(), *where]


def publisher() -> LocalPublisher | LayerPublisher:
    """To every web process, over the channel layer; where there is none that processes share, the
    hubs of other processes read the store once a second."""
    if routing.shared_layer() is not None:
        return routing.layer_publisher()
    logger.warning(
        "CHANNEL_LAYERS names no layer that several processes share: web processes elsewhere read "
        "the store once a second",
        extra={"action": "no_layer"},
    )
    return routing.local_publisher()


async def farewell() -> None:
    """Tell the open pages of the running loop that the server is stopping."""
    await routing.hubs.stop()
