"""The image and the compose file, as far as they can be tried without a container engine: lint, the model of compose
files, and the commands of image and services run as the image would run them.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

import config
from tests.servers import free_ports, nats_server, need
from tools.exchange import LocalExchange, Rate

ROOT = Path(__file__).resolve().parent.parent
START_S = 120.0
PROGRAMS = ("dashboard", "recorder", "cluster-recorder", "cluster-dashboard", "lab")


def instructions(stage: str) -> list[tuple[str, str]]:
    """What the Dockerfile does in a stage, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", ROOT.joinpath("Dockerfile").read_text(encoding="utf-8"))
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            if name == "FROM":
                current = found[rest.rpartition(" AS ")[2]] = []
            current.append((name, rest))
    return found[stage]


def image_environment() -> dict[str, str]:
    """Variables that the image sets and that mean something here."""
    pairs = [shlex.split(rest) for name, rest in instructions("app") if name == "ENV"]
    known = dict(pair.split("=", 1) for line in pairs for pair in line)
    return {name: value for name, value in known.items() if name.startswith(("ALPHASTREAM_", "STREAMLIT_"))}


def image_command() -> list[str]:
    """What the image starts."""
    (command,) = [rest for name, rest in instructions("app") if name == "CMD"]
    return [str(word) for word in json.loads(command)]


def compose(**environ: str) -> dict[str, Any]:
    """The compose file as read with some variables."""

    def value(found: re.Match[str]) -> str:
        return environ.get(found[1]) or found[2]

    text = ROOT.joinpath("compose.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{(\w+):-([^}]*)\}", value, text))
    return content


def depends_on(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a service waits for, in the longer of the two forms."""
    asked = service.get("depends_on", {})
    return asked if isinstance(asked, dict) else {other: {"condition": "service_started"} for other in asked}


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something that a program does soon after its start."""
    deadline = time.monotonic() + START_S
    while not happened():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the image holds under /app."""
    rules = ROOT.joinpath(".dockerignore").read_text(encoding="utf-8").splitlines()[1:]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    left_out = [rule for rule in rules if not rule.startswith("!")]

    def ignored(folder: str, names: list[str]) -> set[str]:
        found = set()
        for name in names:
            path = Path(folder, name).relative_to(ROOT).as_posix()
            if any(f"{keep}/".startswith(f"{path}/") for keep in kept):
                continue
            if any(fnmatch(name, rule[3:]) if rule.startswith("**/") else path_fits(path, rule) for rule in left_out):
                found.add(name)
        return found

    folder = tmp_path_factory.mktemp("image") / "app"
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder


def path_fits(path: str, rule: str) -> bool:
    """Whether a rule of .dockerignore names a path; a star does not cross folders."""
    return path.count("/") == rule.count("/") and fnmatch(path, rule)


def run(command: list[str], image: Path, data: Path, log: Path, **environ: str) -> "subprocess.Popen[bytes]":
    """Start a command of the image in its copy."""
    command = [sys.executable, *command[1:]] if command[0] == "python" else [sys.executable, "-m", *command]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ALPHASTREAM_", "STREAMLIT_"))}
    given = {**own, **image_environment(), "ALPHASTREAM_DATA_DIR": str(data), **environ}
    with log.open("wb") as out:
        return subprocess.Popen(command, cwd=image, env=given, stdout=out, stderr=subprocess.STDOUT)


def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run([need("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_special_and_compiles_its_kernels() -> None:
    steps = instructions("app")
    user = [n for n, (name, rest) in enumerate(steps) if name == "USER" and rest.split(":")[0] not in ("0", "root")]
    assert user, "the image runs as root"
    assert ("RUN", "python -m alphastream") in steps[user[0] :]
    assert not [rest for name, rest in steps[user[0] :] if name == "USER" and rest.split(":")[0] in ("0", "root")]


def test_the_compose_file_is_valid() -> None:
    check = "import compose_spec, sys; compose_spec.PyCompose.from_json(sys.stdin.read()).validate()"
    python = Path(need("hadolint")).with_name("python")  # of the environment that has compose-spec too
    for environ in ({}, {"PORT": "9000", "MINIO_PASSWORD": "something-long", "TAG": "1.0"}):
        text = json.dumps(compose(**environ))
        done = subprocess.run([python, "-c", check], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_services_use_settings_that_exist_and_publish_on_this_machine_only() -> None:
    settings = {config.PREFIX + field.name.upper() for field in fields(config.Settings)}
    content = compose()
    for name, service in content["services"].items():
        asked = {variable for variable in service.get("environment", {}) if variable.startswith(config.PREFIX)}
        assert asked <= settings, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert service["profiles"], name
        mounted = {volume.split(":")[0] for volume in service.get("volumes", []) if volume != "./user:/app/user:ro"}
        assert mounted <= content["volumes"].keys(), name
    assert {name for name in content["services"] if "build" in content["services"][name]} == set(PROGRAMS)


@pytest.mark.parametrize("profile", ["laptop", "server", "cluster", "lab"])
def test_a_profile_brings_all_that_its_services_wait_for(profile: str) -> None:
    services = compose()["services"]
    chosen = {name for name, service in services.items() if profile in service["profiles"]}
    assert chosen
    for name in chosen:
        assert {other for other, how in depends_on(services[name]).items() if how.get("required", True)} <= chosen


def test_the_dashboard_leaves_the_tape_to_the_recorder_beside_it() -> None:
    services = compose()["services"]
    assert services["dashboard"]["volumes"] == services["recorder"]["volumes"]
    # The one that comes first writes; a recorder that does not get healthy must not keep the dashboard away.
    assert services["dashboard"]["depends_on"]["recorder"] == {"condition": "service_healthy", "required": False}


def test_the_dashboard_of_the_image_starts_is_healthy_and_ends(image: Path, tmp_path: Path) -> None:
    port = str(free_ports(1)[0])
    served = run(
        image_command(), image, tmp_path, tmp_path / "log", STREAMLIT_SERVER_PORT=port, ALPHASTREAM_FEED="replay"
    )
    try:
        wait_until(lambda: is_healthy(image, port) or served.poll() is not None)
        assert served.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
    finally:
        served.terminate()
        assert served.wait(60) is not None
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")


def is_healthy(image: Path, port: str) -> bool:
    """What the image's health check finds."""
    (check,) = [rest for name, rest in instructions("app") if name == "HEALTHCHECK"]
    command = json.loads(check.partition("CMD ")[2])
    done = subprocess.run([sys.executable, *command[1:], port], cwd=image, capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def venue() -> Iterator[LocalExchange]:
    """A venue that goes on trading."""
    with LocalExchange(pace=Rate(500), loop=True) as exchange:
        yield exchange


@pytest.mark.parametrize("service", ["recorder", "cluster-recorder"])
def test_a_recorder_of_the_compose_file_records_and_ends(
    service: str, image: Path, tmp_path: Path, venue: LocalExchange
) -> None:
    port = str(free_ports(1)[0])
    command = [str(word) for word in compose()["services"][service]["command"]]
    with nats_server(tmp_path / "store") as broker:
        places = {"9464": port, "nats:": f"nats://127.0.0.1:{broker.port}"}
        command = [places.get(word if word in places else word[:5], word) for word in command]
        recorder = run(command, image, tmp_path, tmp_path / "log", **venue.settings, ALPHASTREAM_VENUE="binance-usdm")
        try:
            wait_until(lambda: is_healthy(image, port) or recorder.poll() is not None)
            assert recorder.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
        finally:
            recorder.terminate()
        assert recorder.wait(60) == 0


def test_a_broker_that_is_away_keeps_no_recorder_and_no_dashboard_from_starting() -> None:
    for service in compose()["services"].values():
        brokers = {how["condition"] for other, how in depends_on(service).items() if other.startswith("nats")}
        assert brokers <= {"service_started"}
