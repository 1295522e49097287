"""Start page, sign-in, people, keys and recommenders."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from creatives.views import accounts, keys, merchants, people

urlpatterns = [
    path("", accounts.home, name="home"),
    path("login/", accounts.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("welcome/<uidb64>/<token>/", accounts.Welcome.as_view(), name="welcome"),
    path("password/", accounts.ChangePassword.as_view(), name="password"),
    path("people/", people.people, name="people"),
    path("people/add/", people.person_add, name="person-add"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/roles/", people.role_add, name="role-add"),
    path("people/<int:person_id>/roles/<int:membership_id>/remove/", people.role_remove, name="role-remove"),
    path("people/<int:person_id>/welcome/", people.welcome_link, name="welcome-link"),
    path("merchants/", merchants.merchants, name="merchants"),
    path("merchants/add/", people.merchant_add, name="merchant-add"),
    path("merchants/<slug:slug>/settings/", people.merchant, name="merchant"),
    path("keys/", keys.keys, name="keys"),
    path("keys/add/", keys.key_add, name="key-add"),
    path("keys/<int:key_id>/revoke/", keys.key_revoke, name="key-revoke"),
    path("recommenders/", keys.recommenders, name="recommenders"),
    path("recommenders/add/", keys.recommender_add, name="recommender-add"),
    path("recommenders/<int:recommender_id>/", keys.recommender, name="recommender"),
    path("recommenders/<int:recommender_id>/keys/", keys.recommender_key, name="recommender-key"),
    path("recommenders/<int:recommender_id>/secret/", keys.recommender_secret, name="recommender-secret"),
]
