"""The profiles of the compose file, and who may reach what is started."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.datastructures import Headers

from ragfirst import COMMANDS
from service.access import AccessRefused
from service.anonymous import anonymous
from service.settings import ServiceSettings

TOP = Path(__file__).parents[1]
TEXT = (TOP / "docker-compose.yml").read_text()

Json = dict[str, Any]


@pytest.fixture(scope="module")
def services() -> Json:
    return yaml.safe_load(TEXT)["services"]


def filled_in(value: str, variables: dict[str, str]) -> str:
    """A value as compose makes it of variables: ${NAME:-default}."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1]) or found[2], value)


def settings(services: Json, monkeypatch: pytest.MonkeyPatch, **variables: str) -> ServiceSettings:
    """The settings that the service has in its container."""
    for name, value in services["service"]["environment"].items():
        told = variables.get(name) if value is None else filled_in(value, variables)
        if told is not None:
            monkeypatch.setenv(name, told)
    return ServiceSettings()


def test_without_a_profile_there_are_ingest_and_service_alone(services: Json) -> None:
    by_profile: dict[str, set[str]] = {}
    for name, service in services.items():
        for profile in service.get("profiles", [""]):
            by_profile.setdefault(profile, set()).add(name)
    assert by_profile == {
        "": {"ingest", "service"},
        "vllm": {"vllm"},
        "observability": {"prometheus", "grafana", "otel-collector"},
    }


def test_what_is_not_built_here_has_a_version(services: Json) -> None:
    images = [one["image"] for one in services.values() if "build" not in one]
    assert len(images) == 4
    for image in images:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", image)


def test_nothing_is_published_beyond_this_machine_by_default(services: Json) -> None:
    ports = [filled_in(port, {}) for one in services.values() for port in one.get("ports", [])]
    assert len(ports) == 3
    for port in ports:
        assert port.startswith("127.0.0.1:")


def test_the_repository_s_files_are_mounted_read_only(services: Json) -> None:
    mounted = [one for service in services.values() for one in service["volumes"]]
    bound = [one for one in mounted if one["type"] == "bind"]
    assert len(bound) == 6
    for one in bound:
        assert one["read_only"] is True
        assert (TOP / one["source"]).exists()


def test_every_volume_is_declared(services: Json) -> None:
    mounted = [one for service in services.values() for one in service["volumes"]]
    used = {one["source"] for one in mounted if one["type"] == "volume"}
    assert used == yaml.safe_load(TEXT)["volumes"].keys()


def test_what_is_kept_elsewhere_would_be_lost_with_the_container(
    services: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys, uploads and feedback lie in the index folder, which is the volume."""
    monkeypatch.setenv("RAGFIRST_INDEX", "/index")
    found = settings(services, monkeypatch)
    assert Path("/index") in found.keys_file.parents


def test_all_settings_that_are_passed_on_exist(services: Json) -> None:
    names = set(ServiceSettings.model_fields)
    aliases = {str(one.validation_alias) for one in ServiceSettings.model_fields.values()}
    for name in services["service"]["environment"]:
        known = name.removeprefix("RAGFIRST_").lower() in names
        assert known or any(name in alias for alias in aliases), name


def test_addresses_in_the_comments_are_of_services_that_there_are(services: Json) -> None:
    named = re.findall(r"http://([a-z-]+):(\d+)", TEXT)
    inside = {name for name, _ in named} - {"localhost", "host"}
    assert inside == {"vllm", "otel-collector"}
    assert inside <= services.keys()


def test_commands_in_the_comments_exist() -> None:
    named = re.findall(r"exec service ragfirst (\w+)", TEXT)
    assert named
    assert set(named) <= COMMANDS.keys()


def test_vllm_listens_where_the_comments_say(services: Json) -> None:
    vllm = services["vllm"]
    assert vllm["entrypoint"] == ["vllm", "serve"]
    model, *flags = [filled_in(one, {}) for one in vllm["command"]]
    assert re.fullmatch(r"[\w-]+/[\w.-]+", model)
    assert {"--host=0.0.0.0", "--port=8000"} <= set(flags)
    assert "OPENAI_BASE_URL=http://vllm:8000/v1 " in TEXT
    assert "ports" not in vllm
    (device,) = vllm["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


# Who may ask


def allowed(found: ServiceSettings, host: str) -> bool:
    assert found.published
    try:
        anonymous(found, found.published).admit("GET", Headers({"host": host}))
    except AccessRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "met"),
    [("localhost:8000", True), ("service:8000", True), ("evil.example", False)],
)
def test_on_this_machine_nobody_needs_a_key_but_other_sites_are_kept_out(
    services: Json, monkeypatch: pytest.MonkeyPatch, host: str, met: bool
) -> None:
    assert allowed(settings(services, monkeypatch), host) is met


@pytest.mark.parametrize("host", ["localhost:8000", "service:8000", "192.168.1.5:8000"])
def test_opened_to_others_everybody_needs_a_key(
    services: Json, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    found = settings(services, monkeypatch, BIND="0.0.0.0")
    assert not allowed(found, host)


def test_that_can_be_switched_off(services: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"BIND": "0.0.0.0", "RAGFIRST_ANONYMOUS": "true"}
    assert allowed(settings(services, monkeypatch, **variables), "localhost:8000")


# Logs, traces, the end


def test_the_log_is_for_programs_unless_told_otherwise(
    services: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings(services, monkeypatch).log_format == "json"
    assert settings(services, monkeypatch, RAGFIRST_LOG_FORMAT="text").log_format == "text"


def test_the_image_can_make_traces() -> None:
    assert "'.[traces]'" in (TOP / "Dockerfile").read_text()


def test_answers_under_way_are_finished_before_the_engine_kills(services: Json) -> None:
    grace = services["service"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > ServiceSettings().shutdown_seconds
