"""deploy/: what Prometheus, Grafana and the collector are told fits the service and each other."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.testclient import TestClient

from service.answer import Answerer
from service.app import create_app
from service.llm import LLMTimeout
from service.loading import Loading
from service.settings import ServiceSettings
from tests.conversing import QUESTION, index, served
from tests.corpora import reader
from tests.fakes import FakeEmbedder, Writer
from tests.scrapes import samples, value
from tests.servers import within

TOP = Path(__file__).parents[1]
DEPLOY = TOP / "deploy"

Json = dict[str, Any]


def read(*path: str) -> Json:
    return yaml.safe_load(DEPLOY.joinpath(*path).read_text())


@pytest.fixture(scope="module")
def services() -> Json:
    return yaml.safe_load((TOP / "docker-compose.yml").read_text())["services"]


@pytest.fixture(scope="module")
def board() -> Json:
    return json.loads((DEPLOY / "grafana" / "dashboards" / "ragfirst.json").read_text())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of each metric after requests of every kind."""
    folder = index(tmp_path_factory.mktemp("deploy"))
    found: dict[str, set[str]] = {}

    def note(client: Any) -> None:
        for name, labels in samples(client):
            found.setdefault(name, set()).update(label for label, _ in labels)

    asked = {"question": QUESTION, "stream": True}
    for llm in (Writer("62 ", "metres [1]."), Writer(error=LLMTimeout("late"))):
        answerer = Answerer(reader(folder), FakeEmbedder(), llm, abstain_below=0)
        settings = ServiceSettings().model_copy(update={"index": folder})
        with TestClient(create_app(Loading(settings, answerer))) as client:
            client.post("/v1/answer", json=asked)
            note(client)
    with served(folder, Writer("62 ", goes_on=True)) as address:
        with httpx.stream("POST", f"{address}/v1/answer", json=asked) as response:
            assert next(response.iter_text())

        def counted() -> bool:
            with httpx.Client(base_url=address) as client:
                while value(client, "http_disconnects_total", route="/v1/answer") is None:
                    time.sleep(0.01)  # the request ends in the server's own time
                note(client)
            return True

        assert within(counted)
    return found


def mounts(service: Json) -> dict[str, Path]:
    """The files and folders of this repository that a container sees, by where."""
    return {
        one["target"]: TOP / one["source"] for one in service["volumes"] if one["type"] == "bind"
    }


def targets(job: str) -> list[str]:
    (found,) = [one for one in read("prometheus.yml")["scrape_configs"] if one["job_name"] == job]
    return [target for group in found["static_configs"] for target in group["targets"]]


# Prometheus


def test_prometheus_reads_the_service_s_metrics(services: Json) -> None:
    (job, *_) = read("prometheus.yml")["scrape_configs"]
    port = services["service"]["command"][-1]
    assert targets("ragfirst") == [f"service:{port}"]
    app = create_app(Loading(ServiceSettings()))
    assert job["metrics_path"] in app.openapi()["paths"]


def test_prometheus_reads_the_collector_s_metrics() -> None:
    (reading,) = read("otel-collector.yaml")["service"]["telemetry"]["metrics"]["readers"]
    exporter = reading["pull"]["exporter"]["prometheus"]
    assert exporter["host"] == "0.0.0.0"
    assert targets("otel-collector") == [f"otel-collector:{exporter['port']}"]


def test_prometheus_is_given_its_file_where_it_looks(services: Json) -> None:
    prometheus = services["prometheus"]
    (flag,) = [one for one in prometheus["command"] if one.startswith("--config.file=")]
    assert mounts(prometheus)[flag.partition("=")[2]] == DEPLOY / "prometheus.yml"
    (storage,) = [one for one in prometheus["command"] if one.startswith("--storage.tsdb.path=")]
    kept = [one["target"] for one in prometheus["volumes"] if one["type"] == "volume"]
    assert kept == [storage.partition("=")[2]]


# The collector


def test_the_collector_is_given_its_file_where_it_looks(services: Json) -> None:
    (flag,) = services["otel-collector"]["command"]
    place = flag.removeprefix("--config=")
    assert mounts(services["otel-collector"])[place] == DEPLOY / "otel-collector.yaml"


def test_the_collector_takes_traces_where_compose_says_they_go() -> None:
    receiver = read("otel-collector.yaml")["receivers"]["otlp"]["protocols"]["http"]
    assert receiver["endpoint"] == "0.0.0.0:4318"
    text = (TOP / "docker-compose.yml").read_text()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-collector:4318 " in text


def test_all_parts_of_the_collector_s_pipeline_are_defined() -> None:
    config = read("otel-collector.yaml")
    for pipeline in config["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert names
            assert set(names) <= config[kind].keys()


# Grafana


def test_grafana_asks_the_prometheus_of_the_compose_file(services: Json) -> None:
    (source,) = read("grafana", "provisioning", "datasources", "prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services
    assert source["jsonData"]["timeInterval"] == read("prometheus.yml")["global"]["scrape_interval"]


def test_grafana_finds_its_dashboard(services: Json) -> None:
    seen = mounts(services["grafana"])
    assert seen["/etc/grafana/provisioning"] == DEPLOY / "grafana" / "provisioning"
    (provider,) = read("grafana", "provisioning", "dashboards", "ragfirst.yaml")["providers"]
    folder = seen[provider["options"]["path"]]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).parent == Path(provider["options"]["path"])
    assert (folder / Path(home).name).is_file()


def drawn(board: Json) -> list[Json]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: Json) -> Iterator[tuple[str, Json]]:
    for panel in drawn(board):
        for target in panel["targets"]:
            yield panel["title"], target


def metrics_of(query: str) -> list[str]:
    """The names of metrics in a query: words before a selector, a range or a bracket's end."""
    return re.findall(r"\b[a-z]\w*(?=[{\[)]|$)", re.sub(r"by \([^)]*\)|\"[^\"]*\"", "", query))


def test_metrics_are_found_in_a_query() -> None:
    query = 'histogram_quantile(0.5, sum by (le, route) (rate(a_bucket{b="c_d"}[1m]))) / max(e_f)'
    assert metrics_of(query) == ["a_bucket", "e_f"]
    assert metrics_of('up{job="x"}') == ["up"]


def test_every_query_is_of_metrics_and_labels_that_there_are(
    board: Json, told: dict[str, set[str]]
) -> None:
    for title, target in queries(board):
        query = target["expr"]
        names = metrics_of(query)
        assert names, title
        assert set(names) <= told.keys(), title
        wanted = {
            label.strip()
            for found in re.findall(r"by \(([^)]*)\)", query)
            for label in found.split(",")
        }
        wanted |= set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        wanted |= set(re.findall(r"[{,](\w+)[=!]~?\"", query)) - {"job"}
        for name in names:
            assert wanted <= told[name], (title, name)


def test_counters_are_asked_for_their_rate_and_histograms_for_quantiles(board: Json) -> None:
    for title, target in queries(board):
        for name in metrics_of(target["expr"]):
            ranged = f"{name}[" in target["expr"] or f"{name}{{" in target["expr"]
            if name.endswith(("_total", "_bucket")):
                assert ranged and "$__rate_interval" in target["expr"], title
            assert ("histogram_quantile" in target["expr"]) is name.endswith("_bucket"), title


@pytest.mark.parametrize(
    "metric",
    [
        "ragfirst_ready",
        "ragfirst_http_requests_total",
        "ragfirst_problems_total",
        "ragfirst_http_request_duration_seconds_bucket",
        "ragfirst_embed_time_seconds_bucket",
        "ragfirst_search_time_seconds_bucket",
        "ragfirst_llm_generation_time_seconds_bucket",
        "ragfirst_grounding_time_seconds_bucket",
        "ragfirst_ttft_seconds_bucket",
        "ragfirst_answer_time_seconds_bucket",
        "ragfirst_prompt_tokens_total",
        "ragfirst_completion_tokens_total",
        "ragfirst_abstentions_total",
        "ragfirst_answers_total",
        "ragfirst_queue_waiting",
        "ragfirst_queue_refusals_total",
        "ragfirst_uploads",
        "ragfirst_index_generation",
        "ragfirst_index_documents",
        "ragfirst_index_chunks",
    ],
)
def test_the_dashboard_shows_what_an_operator_asks_for(board: Json, metric: str) -> None:
    assert any(metric in metrics_of(target["expr"]) for _, target in queries(board))


def test_all_panels_have_their_source_and_a_place_of_their_own(board: Json) -> None:
    (source,) = read("grafana", "provisioning", "datasources", "prometheus.yaml")["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in drawn(board):
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": "prometheus", "uid": source["uid"]}
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
