"""The chart renders what Kubernetes takes, with its secrets by name alone."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.handbook import GUIDE

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "quitus"
VERSIONS = ("1.27", "1.37")
CONSOLE = "demo-quitus-console"
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


def of_kind(objects: list[dict[str, Any]], kind: str, name: str = "demo-quitus") -> dict[str, Any]:
    (found,) = (
        each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name
    )
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
            "image": {"digest": "sha256:" + "0" * 64},
            "backup": {"enabled": True, "storageClass": "slow"},
            "affinity": {"nodeAffinity": {}},
            "priorityClassName": "important",
            "workers": 2,
            "imagePullSecrets": [{"name": "registry"}],
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "quitus", "operator": "Exists"}],
            "service": {"annotations": {"a": "b"}},
            "storage": {"storageClass": "shared", "size": "50Gi"},
            "console": {
                "tlsSecret": "console-tls",
                "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
            },
        },
        {"service": {"type": "ClusterIP"}, "networkPolicy": {"enabled": False}},
        {"console": {"enabled": False}, "storage": {"existingClaim": "kept"}},
    ],
    ids=["as it is", "everything", "inside alone", "no console"],
)
def test_every_object_is_one_of_kubernetes(values: dict[str, Any], version: str) -> None:
    import kubernetes_validate

    objects = rendered(**values)

    for each in objects:
        # The operator's own kind, of which Kubernetes has no schema.
        if each["apiVersion"] != "postgresql.cnpg.io/v1":
            kubernetes_validate.validate(each, version, strict=True)
    assert {each["kind"] for each in objects} >= {"ConfigMap", "Deployment", "Service"}


def test_pods_are_locked_down() -> None:
    objects = rendered(backup={"enabled": True})
    pods = [
        of_kind(objects, "Deployment", name)["spec"]["template"]["spec"]
        for name in ("demo-quitus", CONSOLE)
    ]
    for pod in (*pods, _backup_pod(objects)):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for each in (*pod["containers"], *pod["initContainers"]):
            locked = each["securityContext"]
            assert locked["readOnlyRootFilesystem"] is True
            assert locked["allowPrivilegeEscalation"] is False
            assert locked["capabilities"] == {"drop": ["ALL"]}


def _backup_pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    job = of_kind(objects, "CronJob", "demo-quitus-backup")["spec"]["jobTemplate"]
    return dict(job["spec"]["template"]["spec"])


def test_an_image_can_be_named_by_its_digest() -> None:
    for values, expected in (
        ({"image": {"tag": "1.0.0"}}, "quitus-collector:1.0.0"),
        ({"image": {"digest": "sha256:00"}}, "quitus-collector@sha256:00"),
    ):
        pod = of_kind(rendered(**values), "Deployment")["spec"]["template"]["spec"]
        assert {each["image"] for each in (*pod["initContainers"], *pod["containers"])} == {
            expected
        }


def test_backups_lie_on_a_volume_that_stays_and_their_pod_is_called_by_nobody() -> None:
    objects = rendered(backup={"enabled": True})

    claim = of_kind(objects, "PersistentVolumeClaim", "demo-quitus-backup")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    volumes = {each["name"]: each for each in _backup_pod(objects)["volumes"]}
    assert volumes["backups"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert volumes["passphrase"]["secret"]["secretName"] == "quitus-backup"
    policy = of_kind(objects, "NetworkPolicy", "demo-quitus-backup")["spec"]
    assert policy["ingress"] == []
    # Neither a collector's nor the console's: no service leads to it, no policy opens it.
    for kind, name in (("Service", "demo-quitus"), ("Service", CONSOLE)):
        selected = of_kind(objects, kind, name)["spec"]["selector"].items()
        assert not selected <= policy["podSelector"]["matchLabels"].items()


def test_secrets_are_named_and_not_written() -> None:
    objects = rendered()

    assert not any(each["kind"] == "Secret" for each in objects)
    pod = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    database = pod["containers"][0]["env"][-1]
    assert database["valueFrom"]["secretKeyRef"] == {"name": "quitus-database", "key": "uri"}


def test_with_the_operator_the_database_is_its_own() -> None:
    objects = rendered(postgresql={"enabled": True})

    cluster = of_kind(objects, "Cluster", "demo-quitus-postgresql")
    for name in ("demo-quitus", CONSOLE):
        pod = of_kind(objects, "Deployment", name)["spec"]["template"]["spec"]
        secret = pod["containers"][0]["env"][-1]["valueFrom"]["secretKeyRef"]
        assert secret == {"name": f"{cluster['metadata']['name']}-app", "key": "uri"}


def test_policies_let_out_to_the_database_and_names_alone() -> None:
    policy = of_kind(rendered(), "NetworkPolicy")["spec"]

    out = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    assert out == {5432, 53}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    console = of_kind(rendered(), "NetworkPolicy", CONSOLE)["spec"]
    out = {port["port"] for rule in console["egress"] for port in rule["ports"]}
    assert out == {5432, 53, 443, 465, 587}


def test_what_selects_pods_selects_those_of_the_deployment() -> None:
    objects = rendered()
    labels = of_kind(objects, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    console = of_kind(objects, "Deployment", CONSOLE)["spec"]["template"]["metadata"]["labels"]

    selectors = (
        of_kind(objects, "Deployment")["spec"]["selector"]["matchLabels"],
        of_kind(objects, "Service")["spec"]["selector"],
        of_kind(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    )
    for each in selectors:
        assert each.items() <= labels
        # The console is no collector: no device is sent there.
        assert not each.items() <= console.items()
    for each in (
        of_kind(objects, "Deployment", CONSOLE)["spec"]["selector"]["matchLabels"],
        of_kind(objects, "Service", CONSOLE)["spec"]["selector"],
        of_kind(objects, "NetworkPolicy", CONSOLE)["spec"]["podSelector"]["matchLabels"],
    ):
        assert each.items() <= console.items()
        assert not each.items() <= dict(labels).items()


def test_what_people_bring_is_kept_and_shared_and_keys_stay_in_memory() -> None:
    objects = rendered()

    claim = of_kind(objects, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    for name in ("demo-quitus", CONSOLE):
        pod = of_kind(objects, "Deployment", name)["spec"]["template"]["spec"]
        volumes = {each["name"]: each for each in pod["volumes"]}
        assert volumes["home"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert volumes["given"]["emptyDir"]["medium"] == "Memory"
        for each in (*pod["initContainers"], *pod["containers"]):
            mounted = {mount["mountPath"]: mount["name"] for mount in each["volumeMounts"]}
            assert mounted["/var/lib/quitus"] == "home"
            assert mounted["/given"] == "given"


def test_the_schema_is_there_before_anything_serves() -> None:
    for name in ("demo-quitus", CONSOLE):
        pod = of_kind(rendered(), "Deployment", name)["spec"]["template"]["spec"]
        assert [each.get("args") for each in pod["initContainers"]] == [None, ["upgrade"]]


@pytest.mark.needs("jq")
def test_a_folder_of_links_is_a_collectors_folder(tmp_path: Path) -> None:
    """What the first container makes, as its own script makes it, serves commands."""
    made, home, given = (tmp_path / each for each in ("made", "disk/collector", "given"))
    home.mkdir(mode=0o700, parents=True)
    command = [sys.executable, "-m", "quitus_collector.cli", "--home"]
    subprocess.run([*command, made, "init", "--name", "localhost"], check=True, capture_output=True)
    # In the cluster a database has an address; here it is a file of the folder.
    shutil.copy(made / "quitus.db", home)
    authority = tmp_path / "authority"
    authority.mkdir()
    for each in (*made.glob("authority/*.pem"), made / "pseudonym.key"):
        shutil.copy(each, authority)
    pod = of_kind(rendered(), "Deployment")["spec"]["template"]["spec"]
    script = pod["initContainers"][0]["command"][-1]
    for place, ours in (
        ("/var/lib/quitus/collector", home),
        ("/given", given),
        ("/authority/", f"{authority}/"),
        ("/settings", made),
    ):
        script = script.replace(f" {place}", f" {ours}").replace(f'"{place}', f'"{ours}')
    script = script.replace(f"{given}{authority}", f"{given}/authority")

    for _ in range(2):
        subprocess.run(["sh", "-ceu", script], check=True)

    for words in (["upgrade"], ["account", "add", "zoé", "--role", "administrator"], ["doctor"]):
        done = subprocess.run([*command, home, *words], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    _restored(tmp_path, home, _backed_up(tmp_path, home))
    assert not (home / "authority").exists()
    subprocess.run(["sh", "-ceu", script], check=True)
    assert (home / "authority").is_symlink()
    for words in (["upgrade"], ["doctor"]):
        subprocess.run([*command, home, *words], check=True, capture_output=True)
    (home / "authority").unlink()
    (home / "authority").mkdir()
    refused = subprocess.run(["sh", "-ceu", script], check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "it comes from the secret" in refused.stderr


def _backed_up(place: Path, home: Path) -> Path:
    """The script of the nightly job, with this folder, leaves a backup with the keys in it."""
    (place / "passphrase").write_text("correct horse\n")
    (backups := place / "backups").mkdir()
    script = _backup_pod(rendered(backup={"enabled": True}))["containers"][0]["command"][-1]
    script = script.replace("/passphrase/", f"{place}/").replace("/backups", str(backups))
    assert "the keys are in it" in _run(script, home)
    (made,) = backups.iterdir()
    names = zipfile.ZipFile(made).namelist()
    assert {"keys.sealed", "collector.toml", "authority/root.pem"} <= set(names)
    return made


def _restored(place: Path, home: Path, made: Path) -> None:
    """Where a cluster goes back: the nightly job, changed by the guide's filter into its own."""
    guide = (GUIDE / "fr/containers.md").read_text("utf-8")
    ((script, change),) = re.findall(r"^jq --arg run '(.*)' '(.*)' retour", guide, re.MULTILINE)
    job = {"spec": {"template": {"spec": _backup_pod(rendered(backup={"enabled": True}))}}}
    changed = subprocess.run(
        ["jq", "--arg", "run", script, change],
        input=json.dumps(job),
        check=True,
        capture_output=True,
        text=True,
    )
    pod = json.loads(changed.stdout)["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["initContainers"]] == ["home"]
    script = pod["containers"][0]["command"][-1]
    script = re.sub(r"/backups/\S+", str(made), script).replace("/passphrase/", f"{place}/")
    told = _run(script.replace("/var/lib/quitus/collector", str(home)), home)
    assert "collector restored in" in told


def _run(script: str, home: Path) -> str:
    """What a container's script prints, with this folder as the collector's."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ceu", script],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path, "QUITUS_COLLECTOR_HOME": str(home)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
