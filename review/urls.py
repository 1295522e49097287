"""Pages of the review desk."""

from django.urls import path

from review.views import actions, approved, desk, history, stats

urlpatterns = [
    path("review/", desk.desk, name="review"),
    path("review/<int:creative_id>/decide/", actions.decide, name="review-decide"),
    path("review/<int:creative_id>/skip/", actions.skip, name="review-skip"),
    path("review/bulk/", actions.bulk, name="review-bulk"),
    path("review/undo/", actions.undo, name="review-undo"),
    path("review/heartbeat/", actions.heartbeat, name="review-heartbeat"),
    path("review/approved/", approved.approved, name="review-approved"),
    path("review/history/", history.history, name="review-history"),
    path("review/stats/", stats.stats, name="review-stats"),
]
