"""What the server serves, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from grafana.viewer.app import make_app
from grafana.viewer.settings import ViewerSettings
from proofs.harness.ports import free_port

HOME = {"Host": "127.0.0.1:3000"}


@pytest.fixture(scope="module")
def dashboards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dashboards")
    for uid, title in (("two", "B"), ("one", "A")):
        text = json.dumps({"uid": uid, "title": title, "tags": ["rq"], "panels": []})
        (folder / f"{uid}.json").write_text(text)
    return folder


@pytest.fixture(scope="module")
def client(dashboards: Path) -> FlaskClient:
    settings = ViewerSettings(
        dashboards=dashboards,
        prometheus_url=f"http://me:secret@127.0.0.1:{free_port()}",
        names="rq.example.com",
    )
    return make_app(settings).test_client()


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, headers={**HOME, **names})


def test_the_home_page_is_the_first_dashboard_with_the_readers_variables(client: FlaskClient) -> None:
    answer = get(client, "/?var-queue=mail&from=now-3h")

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/d/one?var-queue=mail&from=now-3h"


def test_the_page_allows_only_its_own_scripts_styles_and_requests(client: FlaskClient) -> None:
    answer = get(client, "/d/one/any-name")

    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert answer.status_code == 200
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in str(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_script_is_compressed_and_cached_under_an_address_that_changes_with_it(
    client: FlaskClient,
) -> None:
    page = get(client, "/d/one").text
    address = page.split('src="')[1].split('"')[0]

    answer = get(client, address, Accept_Encoding="gzip")

    assert "?" in address
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 1_200_000
    assert len(get(client, address).data) > len(answer.data)


@pytest.mark.parametrize("path", ["/d/three", "/public/../app.py", "/public/manifest.json", "/api/x", "/x"])
def test_other_paths_are_not_found(client: FlaskClient, path: str) -> None:
    assert get(client, path).status_code == 404


def test_an_unknown_dashboard_names_the_known_ones(client: FlaskClient) -> None:
    assert get(client, "/d/three").text.splitlines()[1:] == ["/d/one", "/d/two"]


def test_an_invalid_dashboard_file_is_named_and_the_others_are_served(
    client: FlaskClient, dashboards: Path
) -> None:
    (dashboards / "broken.json").write_text('{"uid": 3, "title": "x"}')
    (dashboards / "again.json").write_text((dashboards / "one.json").read_text())

    health = json.loads(get(client, "/health").text)
    for name in ("broken.json", "again.json"):
        (dashboards / name).unlink()

    assert health["dashboards"] == ["one", "two"]
    assert health["broken"]["broken.json"] == "uid: expected text, got 3"
    assert "'one'" in health["broken"]["one.json"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:3000", 200),
        ("192.168.1.7", 200),
        ("[::1]:3000", 200),
        ("localhost:3000", 200),
        ("rq.example.com", 200),
        ("RQ.example.com:80", 200),
        ("evil.example.com", 421),
        ("127.0.0.1.evil.example.com", 421),
        ("evil.example.com/@127.0.0.1", 421),
        ("evil.example.com@127.0.0.1", 421),
        ("127.0.0.1, evil.example.com", 421),
        ("[", 421),
        ("", 421),
    ],
)
def test_requests_for_other_host_names_are_refused(client: FlaskClient, host: str, status: int) -> None:
    answer = client.get("/health", headers={"Host": host})

    assert answer.status_code in (status, 400 if status == 421 else status)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Origin": "http://127.0.0.1:3000"}, 200),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "http://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://127.0.0.1:3000.evil.example.com"}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_no_page_of_another_origin_gets_an_answer(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    assert get(client, "/api/viewer", **headers).status_code == status


def test_links_from_mails_and_other_pages_work(client: FlaskClient) -> None:
    assert get(client, "/d/one", Sec_Fetch_Site="cross-site").status_code == 200


def test_a_long_query_string_is_refused(client: FlaskClient) -> None:
    assert get(client, f"/d/one?x={'y' * 9000}").status_code == 414


def test_without_prometheus_the_reason_is_shown_without_a_password(client: FlaskClient) -> None:
    answer = get(client, "/api/prometheus/query?query=up")

    assert answer.status_code == 502
    reported = json.loads(answer.text)
    assert reported["errorType"] == "unreachable"
    assert "connection refused" in reported["error"]
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_prometheus_is_only_read(client: FlaskClient, method: str) -> None:
    assert client.open("/api/prometheus/series", method=method, headers=HOME).status_code == 405
