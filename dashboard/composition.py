"""The receiving half put together: the only place that knows all of its concrete classes."""

import functools
import logging
import os
import socket
import time

from celery import Celery

from dashboard import celeryapp, nodes, routing
from dashboard.conf import Conf
from dashboard.redaction import Redaction
from dashboard.running import Part
from dashboard.store import Store
from realtime import results
from realtime.inbox import Inbox
from realtime.inspection import Inspection
from realtime.pipeline import Pipeline
from realtime.ports import Publisher
from realtime.publisher import LayerPublisher, LocalPublisher
from realtime.receiver import Receiver
from realtime.repair import Repairer
from realtime.results import ResultListener

logger = logging.getLogger(__name__)
