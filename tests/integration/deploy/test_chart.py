"""The chart renders what Kubernetes takes, with its secrets by name alone."""

from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "quitus"
VERSIONS = ("1.27", "1.37")
pytestmark = pytest.mark.needs("chart")


def rendered(**values: Any) -> list[dict[str, Any]]:
    """The chart's objects with these values."""
    from helm_python import Chart

    with Chart.load(CHART) as chart:
        files = chart.render(values=values, name="demo")
    return [
        each
        for name, text in files.items()
        if name.endswith(".yaml")
        for each in yaml.safe_load_all(text)
        if each
    ]


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def test_lint_has_nothing_to_say() -> None:
    from helm_python import lint

    found = lint(CHART)

    assert found["errors"] == []
    # Of severities, 1 is for what may be: a chart may do without an icon.
    assert [each for each in found["messages"] if each["severity"] > 1] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "values",
    [
        {},
        {
            "postgresql": {"enabled": True, "storageClass": "fast"},
            "replicas": 5,
            "workers": 2,
            "imagePullSecrets": [{"name": "registry"}],
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "quitus", "operator": "Exists"}],
            "service": {"annotations": {"a": "b"}},
        },
        {"service": {"type": "ClusterIP"}, "networkPolicy": {"enabled": False}},
    ],
    ids=["as it is", "everything", "inside alone"],
)
def test_every_object_is_one_of_kubernetes(values: dict[str, Any], version: str) -> None:
    import kubernetes_validate

    objects = rendered(**values)

    for each in objects:
        # The operator's own kind, of which Kubernetes has no schema.
        if each["apiVersion"] != "postgresql.cnpg.io/v1":
            kubernetes_validate.validate(each, version, strict=True)
    assert {each["kind"] for each in objects} >= {"ConfigMap", "Deployment", "Service", "Job"}


def test_pods_are_locked_down() -> None:
    for kind in ("Deployment", "Job"):
        pod = of_kind(rendered(), kind)["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for each in (*pod["containers"], *pod["initContainers"]):
            locked = each["securityContext"]
            assert locked["readOnlyRootFilesystem"] is True
            assert locked["allowPrivilegeEscalation"] is False
            assert locked["capabilities"] == {"drop": ["ALL"]}


def test_secrets_are_named_and_not_written() -> None:
    objects = rendered()

    assert not any(each["kind"] == "Secret" for each in objects)
    pod = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    (database,) = pod["containers"][0]["env"]
    assert database["valueFrom"]["secretKeyRef"] == {"name": "quitus-database", "key": "uri"}


def test_with_the_operator_the_database_is_its_own() -> None:
    objects = rendered(postgresql={"enabled": True})

    cluster = of_kind(objects, "Cluster")
    for kind in ("Deployment", "Job"):
        pod = of_kind(objects, kind)["spec"]["template"]["spec"]
        secret = pod["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]
        assert secret == {"name": f"{cluster['metadata']['name']}-app", "key": "uri"}


def test_policies_let_out_to_the_database_and_names_alone() -> None:
    policy = of_kind(rendered(), "NetworkPolicy")["spec"]

    out = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    assert out == {5432, 53}
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_what_selects_pods_selects_those_of_the_deployment() -> None:
    objects = rendered()
    labels = of_kind(objects, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    job = of_kind(objects, "Job")["spec"]["template"]["metadata"]["labels"].items()

    selectors = (
        of_kind(objects, "Deployment")["spec"]["selector"]["matchLabels"],
        of_kind(objects, "Service")["spec"]["selector"],
        of_kind(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    )
    for each in selectors:
        assert each.items() <= labels
        # A job that brings the schema is no collector: no device is sent there.
        assert not each.items() <= job


def test_other_settings_are_other_pods() -> None:
    def pod(settings: str) -> Any:
        return of_kind(rendered(settings=settings), "Deployment")["spec"]["template"]["metadata"]

    assert pod('language = "fr"') != pod('language = "en"')


def test_the_settings_of_the_chart_are_settings_of_a_collector(tmp_path: Path) -> None:
    from quitus_collector import config

    settings = of_kind(rendered(), "ConfigMap")["data"]["collector.toml"]
    (tmp_path / config.FILE).write_text(settings)

    found = config.load(tmp_path, {"QUITUS_COLLECTOR_DATABASE": "postgresql://u:p@h/n"}, {})

    assert found.names == ("collecteur.example.fr",)
    assert found.database_url == "postgresql+psycopg://u:p@h/n"
