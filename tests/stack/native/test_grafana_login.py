"""Debian has no Grafana, so this reads its provisioned data source and sends what Grafana would send."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from proofs.harness.ports import free_port
from proofs.harness.servers import ANSWERS_WITHIN, Server, running
from stack import services
from stack.alertmanager_login import authorization
from stack.native.commands import NativeContext, command
from stack.settings import load_settings

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus-alertmanager")]


@pytest.fixture
def context(tmp_path: Path) -> NativeContext:
    variables = {services.ALERTMANAGER.port_variable or "": str(free_port())}
    context = NativeContext(load_settings(variables, tmp_path / ".env"), tmp_path / "native")
    context.data(services.ALERTMANAGER).mkdir(parents=True, exist_ok=True)
    return context


@pytest.fixture
def alertmanager(context: NativeContext, tmp_path: Path) -> Iterator[Server]:
    run = command(services.ALERTMANAGER, context)
    port = context.settings.port(services.ALERTMANAGER)
    login = authorization(context.secrets)
    with running(
        "alertmanager", tmp_path, port, run.arguments, "/-/ready", run.environment, authorization=login
    ) as server:
        yield server


def provisioned(context: NativeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """The data source as Grafana reads it, with variables and files resolved."""
    program = tmp_path / "bin" / "grafana"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    run = command(services.GRAFANA, context)
    file = Path(run.environment["GF_PATHS_PROVISIONING"]) / "datasources" / "datasources.yml"
    sources = yaml.safe_load(file.read_text())["datasources"]
    source = next(source for source in sources if source["type"] == "alertmanager")
    source["url"] = run.environment[source["url"].removeprefix("$")]
    secure = source["secureJsonData"]
    (path,) = re.findall(r"\A\$__file\{(.+)\}\Z", secure["basicAuthPassword"])
    secure["basicAuthPassword"] = Path(path).read_text().strip()
    return dict(source)


def ask(source: Mapping[str, Any], path: str, body: object = None, method: str | None = None) -> Any:
    """Send a query as Grafana's proxy does, with the login in the data source."""
    headers = {"Content-Type": "application/json"}
    if source.get("basicAuth"):
        login = f"{source['basicAuthUser']}:{source['secureJsonData']['basicAuthPassword']}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{source['url']}{path}", data, headers, method=method)
    with urlopen(request, timeout=ANSWERS_WITHIN) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def test_the_provisioned_data_source_can_log_in_to_alertmanager(
    context: NativeContext, alertmanager: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = provisioned(context, tmp_path, monkeypatch)
    assert source["url"] == alertmanager.url
    assert source["jsonData"]["implementation"] == "prometheus", "which has /api/v2 at its root"

    assert ask(source, "/api/v2/status")["cluster"]["status"]
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "RQQueueStalled", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=2)).isoformat(),
        "createdBy": "admin",
        "comment": "from Grafana",
    }
    made = ask(source, "/api/v2/silences", silence)["silenceID"]
    assert [found["id"] for found in ask(source, "/api/v2/silences")] == [made]
    ask(source, f"/api/v2/silence/{made}", method="DELETE")

    wrong = {**source, "secureJsonData": {"basicAuthPassword": "another"}}
    for stranger in (wrong, {**source, "basicAuth": False}):
        with pytest.raises(HTTPError) as refused:
            ask(stranger, "/api/v2/silences")
        with refused.value as answer:
            assert answer.code == 401
