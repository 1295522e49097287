"""The operators' page and its buttons."""

from __future__ import annotations

from django.urls import path

from creatives.views import audit, operations

urlpatterns = [
    path("operations/", operations.operations, name="operations"),
    path("operations/requests/", operations.request_list, name="operations-requests"),
    path("operations/messages/", operations.message_list, name="operations-messages"),
    path("operations/requests/requeue/", operations.requeue_all, name="operations-requeue-all"),
    path(
        "operations/requests/<int:request_id>/requeue/", operations.requeue_request, name="operations-requeue"
    ),
    path(
        "operations/messages/<int:delivery_id>/replay/", operations.replay_message, name="operations-replay"
    ),
    path("changes/", audit.audit, name="audit"),
    path("changes/<int:entry_id>/undo/", audit.audit_undo, name="audit-undo"),
]
