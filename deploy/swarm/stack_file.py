"""A file for `docker stack deploy`, made from the output of `docker compose config`.

Swarm reads an older form of compose files. What has another name there is translated; what it lacks is left
out. Files that compose mounts from this machine become configs and secrets, which are available on every
node.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from stack.credentials import SERVICES_SHARES, SHARES, Origin

CREDENTIALS_SERVICE = "credentials"
"""The service that gives passwords to the others in Compose. In Swarm, secrets do that."""

NOT_IN_SWARM = ("build", "pull_policy", "depends_on", "restart", "profiles", "security_opt")
"""Keys that Swarm has nothing for. It always restarts, and no-new-privileges is a setting of its engines."""

LIMITS = {"mem_limit": "memory", "cpus": "cpus", "pids_limit": "pids"}
"""Keys of a container's limits, and Swarm's words for them under deploy.resources.limits."""

NAME_LENGTH = 28
"""Of a path in the name of its config, which has 64 characters at most with the stack's name and the hash."""


def stack_file(
    composed: Mapping[str, Any], project: Path, passwords: Path, absent: Collection[str] = ()
) -> dict[str, Any]:
    """Return the stack file.

    Args:
        composed: the output of `docker compose config --format json`.
        project: the folder of this project. Mounted files from elsewhere are the user's own: they may hold
            passwords, so they become secrets.
        passwords: the folder that write_passwords has filled.
        absent: names of services to leave out.
    """
    files = _Files(project, _shares(composed, passwords))
    services = {
        name: _service(definition, files)
        for name, definition in composed["services"].items()
        if name not in {CREDENTIALS_SERVICE, *absent}
    }
    volumes = {name: volume for name, volume in composed["volumes"].items() if name not in files.shares}
    return {
        "services": services,
        # Without the names that compose gives them, so that they carry the stack's.
        "networks": _unnamed(composed["networks"]),
        "volumes": _unnamed(volumes),
        "configs": files.configs,
        "secrets": files.secrets,
    }


class _Files:
    """Files as configs and secrets, named by their contents: one that is in use can never be changed."""

    def __init__(self, project: Path, shares: Mapping[str, Path]) -> None:
        self._project = project
        self.shares = shares
        """The folder with what belongs into a volume of passwords, by its name."""
        self.configs: dict[str, dict[str, str]] = {}
        self.secrets: dict[str, dict[str, str]] = {}

    def add(self, source: Path, target: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Take a mount of a file or a whole folder; yield its entries in a service, each with its kind."""
        kind, store = (
            ("configs", self.configs) if source.is_relative_to(self._project) else ("secrets", self.secrets)
        )
        for path, place in _files(source, PurePosixPath(target)):
            name = _name(path)
            store[name] = {"file": str(path)}
            yield kind, {"source": name, "target": str(place)}

    def add_share(self, folder: Path, target: str) -> Iterator[dict[str, Any]]:
        """Take a volume of passwords; yield its entries in a service, for the eyes of its user only."""
        owner = str(SERVICES_SHARES[folder.name].owner)
        for path in sorted(folder.iterdir()):
            name = _name(path)
            self.secrets[name] = {"file": str(path)}
            yield {
                "source": name,
                "target": f"{target}/{path.name}",
                "uid": owner,
                "gid": owner,
                "mode": 0o400,
            }


def write_passwords(folder: Path, origin: Origin) -> None:
    """Write the passwords of each service into its own folder.

    Raises:
        StackError: a password cannot be read.
    """
    for name, share in SERVICES_SHARES.items():
        (folder / name).mkdir(mode=0o700, parents=True)
        share.write(folder / name, origin)


def _shares(composed: Mapping[str, Any], passwords: Path) -> dict[str, Path]:
    mounts = composed["services"].get(CREDENTIALS_SERVICE, {}).get("volumes", [])
    return {
        mount["source"]: passwords / PurePosixPath(mount["target"]).name
        for mount in mounts
        if PurePosixPath(mount["target"]).parent == PurePosixPath(SHARES)
    }


def _files(source: Path, target: PurePosixPath) -> Iterator[tuple[Path, PurePosixPath]]:
    if not source.is_dir():
        yield source, target
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path, target / path.relative_to(source).as_posix()


def _name(path: Path) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", "/".join(path.parts[-2:])).strip("-")
    return f"{words[-NAME_LENGTH:].strip('-')}-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def _service(composed: Mapping[str, Any], files: _Files) -> dict[str, Any]:
    left_out = {*NOT_IN_SWARM, *LIMITS}
    service = {key: value for key, value in composed.items() if key not in left_out and value is not None}
    service["environment"] = {
        name: value for name, value in composed.get("environment", {}).items() if value is not None
    }
    service["ports"] = [
        {"target": port["target"], "published": int(port["published"]), "mode": port["mode"]}
        for port in composed.get("ports", [])
    ]
    service["volumes"] = [{"type": "tmpfs", "target": target} for target in service.pop("tmpfs", [])]
    for volume in composed.get("volumes", []):
        if volume["type"] == "bind":
            for kind, entry in files.add(Path(volume["source"]), volume["target"]):
                service.setdefault(kind, []).append(entry)
        elif folder := files.shares.get(volume["source"]):
            service.setdefault("secrets", []).extend(files.add_share(folder, volume["target"]))
        else:
            service["volumes"].append(volume)
    service["deploy"] = _deploy(composed)
    return service


def _deploy(composed: Mapping[str, Any]) -> dict[str, Any]:
    limits = {word: composed[key] for key, word in LIMITS.items() if key in composed}
    limits["cpus"] = str(limits["cpus"])
    deploy = {key: value for key, value in composed.get("deploy", {}).items() if key != "resources"}
    return {**deploy, "resources": {"limits": limits}}


def _unnamed(definitions: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in (definition or {}).items() if key not in {"name", "ipam"}}
        for name, definition in definitions.items()
    }
