"""Sends due messages, each recommender's in a thread of its own: an endpoint that never answers holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection

from creatives.models import WebhookDelivery
from creatives.services.delivery import claim_delivery, due_recommenders, record_answer
from creatives.webhooks import Answer, post

log = structlog.get_logger("sender")

MAX_THREADS = 32


class Sender:
    """Starts threads for recommenders with due messages; at most one per recommender and ``MAX_THREADS`` in all.

    Threads are daemons: a message whose sender stops half way falls due again and goes out under the same id.
    """

    def __init__(self, send: Callable[[WebhookDelivery], Answer] = post) -> None:
        self._send = send
        self._threads: dict[int, threading.Thread] = {}

    def start_due(self) -> int:
        """Start sending what is due and not being sent; how many threads were started."""
        self._threads = {pk: thread for pk, thread in self._threads.items() if thread.is_alive()}
        idle = sorted(due_recommenders() - self._threads.keys())[: MAX_THREADS - len(self._threads)]
        for recommender_id in idle:
            name = f"sender-{recommender_id}"
            thread = threading.Thread(target=self._run, args=(recommender_id,), name=name, daemon=True)
            self._threads[recommender_id] = thread
            thread.start()
        return len(idle)

    def wait(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for each thread."""
        for thread in self._threads.values():
            thread.join(timeout)

    def _run(self, recommender_id: int) -> None:
        try:
            self.send_due(recommender_id)
        except DatabaseError as error:
            log.warning("sending interrupted", recommender=recommender_id, error=str(error))
        finally:
            connection.close()  # this thread's own

    def send_due(self, recommender_id: int) -> int:
        """Send the recommender's due messages, oldest first, until none is due; how many were accepted."""
        accepted = 0
        while (delivery := claim_delivery(recommender_id)) is not None:
            answer = self._send(delivery)
            record_answer(delivery, answer)
            accepted += answer.accepted
            log.info(
                "sent",
                recommender=recommender_id,
                message=delivery.message_id.hex,
                type=delivery.event_type,
                attempt=delivery.attempts,
                status=answer.status,
                error=answer.error,
            )
        return accepted
