"""The embedded servers: made once, started again after a crash, stopped cleanly."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import environ
import psycopg
import pytest

from config import services


def connect(base: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(services.socket_dir(base)), user="postgres", dbname="studio")


def test_a_killed_server_keeps_committed_rows_and_starts_again(tmp_path: Path) -> None:
    postgres = services.Postgres(tmp_path)
    assert postgres.init() is True
    process = services.start(postgres)
    postgres.create_database()
    postgres.create_database()  # the second call finds it
    with connect(tmp_path) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (7)")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    assert postgres.init() is False
    process = services.start(postgres)
    with connect(tmp_path) as connection:
        assert connection.execute("select n from kept").fetchall() == [(7,)]
    services.stop(process)
    assert process.returncode == 0
    assert not (postgres.data / "postmaster.pid").exists()


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    postgres = services.Postgres(tmp_path)
    postgres.data.mkdir(parents=True)
    (postgres.data / "PG_VERSION").write_text("18\n")  # initdb was killed before it finished
    assert postgres.init() is True
    assert postgres.exists()


def test_a_leftover_redis_is_stopped(tmp_path: Path) -> None:
    redis = services.Redis(tmp_path)
    process = services.start(redis)
    redis.stop_leftover()
    assert process.wait(10) == 0
    assert not redis.ready()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    redis = services.Redis(tmp_path)
    redis.socket.parent.mkdir(parents=True)
    redis.socket.mkdir()  # a folder where the socket belongs
    with pytest.raises(services.ServiceError, match="Redis did not start"):
        services.start(redis, timeout=10)


def test_a_deep_folder_gets_a_short_socket_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    assert len(str(services.socket_dir(deep))) < services.SOCKET_PATH_LIMIT
    assert services.socket_dir(deep) == services.socket_dir(deep)
    assert services.socket_dir(deep) != services.socket_dir(tmp_path / ("e" * 120))


def test_the_url_survives_the_settings_parser(tmp_path: Path) -> None:
    parsed = environ.Env().db_url_config(services.database_url(tmp_path))
    assert parsed["NAME"] == "studio"
    assert parsed["HOST"].replace("%2F", "/") == str(services.socket_dir(tmp_path))
