"""Slow down the guessing of passwords: so many attempts for an e-mail address from one network address, then a pause.

An attempt is counted before the password is looked at, so parallel guesses cannot slip past; a success clears the count.
"""

from __future__ import annotations

import hashlib
import logging
from typing import cast

import django_rq
from redis import RedisError

log = logging.getLogger(__name__)
ATTEMPTS = 8
WINDOW_SECONDS = 900


def admit(email: str, address: str) -> bool:
    """Count an attempt; False when it is one too many. Without Redis everyone is admitted: signing in matters more."""
    try:
        pipe = django_rq.get_connection("default").pipeline()
        pipe.incr(_key(email, address))
        pipe.expire(_key(email, address), WINDOW_SECONDS)
        count, _ = pipe.execute()
    except RedisError as error:
        log.warning("sign-in attempts are not counted: %s", error)
        return True
    return cast(int, count) <= ATTEMPTS


def clear(email: str, address: str) -> None:
    """Forget the attempts after a success."""
    try:
        django_rq.get_connection("default").delete(_key(email, address))
    except RedisError as error:
        log.warning("sign-in attempts are not cleared: %s", error)


def _key(email: str, address: str) -> str:
    return "sign-in:" + hashlib.sha256(f"{email.strip().lower()}\n{address}".encode()).hexdigest()
