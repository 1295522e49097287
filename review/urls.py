"""Pages of the review desk."""

from django.urls import path

from review.views import actions, approved, desk, finding, gold, history, rules, saved, second, stats

urlpatterns = [
    path("review/", desk.desk, name="review"),
    path("review/<int:creative_id>/decide/", actions.decide, name="review-decide"),
    path("review/<int:creative_id>/skip/", actions.skip, name="review-skip"),
    path("review/<int:creative_id>/finding.png", finding.finding, name="review-finding"),
    path("review/bulk/", actions.bulk, name="review-bulk"),
    path("review/undo/", actions.undo, name="review-undo"),
    path("review/heartbeat/", actions.heartbeat, name="review-heartbeat"),
    path("review/views/", saved.save, name="review-view-save"),
    path("review/views/<int:view_id>/forget/", saved.forget, name="review-view-forget"),
    path("review/approved/", approved.approved, name="review-approved"),
    path("review/history/", history.history, name="review-history"),
    path("review/stats/", stats.stats, name="review-stats"),
    path("review/second/", second.second, name="review-second"),
    path("review/second/<int:case_id>/resolve/", second.resolve, name="review-second-resolve"),
    path("review/gold/", gold.gold, name="review-gold"),
    path("review/gold/<int:creative_id>/set/", gold.set_item, name="review-gold-set"),
    path("review/gold/<int:gold_id>/retire/", gold.retire_item, name="review-gold-retire"),
    path("review/rules/", rules.rules, name="review-rules"),
    path("review/rules/trust/<int:trust_id>/recall/", rules.take_back, name="review-trust-recall"),
    path("review/rules/trust/<int:trust_id>/<str:turn>/", rules.turn, name="review-trust-turn"),
]
