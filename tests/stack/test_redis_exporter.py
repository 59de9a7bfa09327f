"""Settings of redis_exporter for each kind of Redis."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.compose.environment import redis_inside
from stack.redis_access import RedisAccess, access_of
from stack.redis_exporter import tls_variables, watched, write_passwords
from stack.redis_users import PROBE
from stack.settings import load_settings
from tests.harness.tls_redis import Certificates


def test_a_single_redis_is_watched_at_its_address() -> None:
    access = RedisAccess("rediss://queues:7000/2", "ann", Path("password"))

    assert watched(access) == access


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("redis+sentinel://a:1,b:2/queues/0", "redis://a:1"),
        ("rediss+sentinel://a,b/queues", "rediss://a:26379"),
        (
            "redis+sentinel://a:1/queues?sentinel_username=ann&sentinel_password=p%40ss",
            "redis://ann:p%40ss@a:1",
        ),
        ("redis+sentinel://a:1/queues?sentinel_password=secret", "redis://:secret@a:1"),
    ],
)
def test_the_first_sentinel_is_watched_with_the_sentinels_password(address: str, expected: str) -> None:
    of_redis = RedisAccess(address, "user-of-redis", Path("password-of-redis"))

    assert watched(of_redis) == RedisAccess(expected)


def test_tls_files_are_passed_in_redis_exporters_own_variables(tmp_path: Path) -> None:
    own = Certificates(tmp_path, "queues")
    settings = load_settings(
        {
            "RQ_REDIS_URL": f"rediss://queues?ssl_certfile={own.client_cert}&ssl_keyfile={own.client_key}",
            "RQ_REDIS_CA_FILE": str(own.ca),
        },
        tmp_path / "none",
    )

    assert tls_variables(access_of(PROBE, settings)) == {
        "REDIS_EXPORTER_TLS_CA_CERT_FILE": str(own.ca),
        "REDIS_EXPORTER_TLS_CLIENT_CERT_FILE": str(own.client_cert),
        "REDIS_EXPORTER_TLS_CLIENT_KEY_FILE": str(own.client_key),
    }


@pytest.mark.parametrize(
    ("address", "inside", "is_unverified"),
    [
        ("rediss://queues:7000?db=5&ssl_cert_reqs=none", "rediss://queues:7000/5", "true"),
        ("rediss://queues/5?ssl_check_hostname=false", "rediss://queues/5", "true"),
        ("rediss://queues/5", "rediss://queues/5", "false"),
        ("redis://queues?db=5&password=p%40ss", "redis://:p%40ss@queues/5", "false"),
    ],
)
def test_containers_get_the_address_and_whether_to_verify_its_certificate(
    address: str, inside: str, is_unverified: str, tmp_path: Path
) -> None:
    reported = redis_inside(load_settings({"RQ_REDIS_URL": address}, tmp_path / "none"))

    assert reported["RQ_REDIS_URL"] == address
    assert (reported["PROBED_REDIS_URL"], reported["PROBED_REDIS_UNVERIFIED"]) == (inside, is_unverified)


@pytest.mark.parametrize("address", ["redis://127.0.0.1/5", "redis://127.0.0.1:6379?db=5"])
def test_the_database_of_the_stacks_own_redis_is_kept(address: str, tmp_path: Path) -> None:
    reported = redis_inside(load_settings({"RQ_REDIS_URL": address}, tmp_path / "none"))

    assert reported == {"RQ_REDIS_URL": "redis://redis:6379/5"}


@pytest.mark.parametrize(
    ("address", "place", "password"),
    [
        ("unix:///run/redis.sock?db=5", "unix:///run/redis.sock", None),
        ("unix://ann:p%40ss@/run/redis.sock?db=5", "unix:///run/redis.sock", "p@ss"),
    ],
)
def test_the_password_of_a_socket_is_in_the_file(
    address: str, place: str, password: str | None, tmp_path: Path
) -> None:
    given = RedisAccess(address)
    write_passwords(tmp_path / "passwords", given)

    assert watched(given).address == place
    assert watched(given).username == ("ann" if password else "")
    assert json.loads((tmp_path / "passwords").read_text()).get(place) == password
