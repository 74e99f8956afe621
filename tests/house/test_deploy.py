"""The files that make clusters, against the schemas of what reads them; nothing is started."""

import copy
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import jsonschema
import kubernetes_validate
import pytest
import yaml
from botocore.validate import ParamValidator
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.serve.schema import ServeDeploySchema

from samesense.cli.cluster import LOCAL_SETTINGS
from samesense.core.config import load_options
from samesense.core.options import validate
from samesense.recipe.load import find_recipe
from samesense.serving.options import ServeOptions
from samesense.training.options import TrainJob
from tests.conftest import ROOT

KUBERNETES = "1.30"
MANIFESTS = sorted((ROOT / "docs" / "deploy").glob("*.yaml"))
Change = Callable[[Any], object]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


LAUNCHED = read(ROOT / "cluster.yaml")
SHIPPED = read(ROOT / "jobs" / "runtime_env.yaml")
SCHEMA = read(ROOT / "tests" / "fixtures" / "kuberay.schema.yaml")


def check_launched(config: Any) -> Any:
    """Fill in the launcher's defaults and check the outcome, as `ray up` does before it acts."""
    whole = prepare_config(copy.deepcopy(config))
    validate_config(whole)
    return whole


def cluster_of(manifest: Any) -> Any:
    spec = manifest["spec"]
    return spec.get("rayClusterSpec") or spec.get("rayClusterConfig") or spec


def templates(manifest: Any) -> Iterator[Any]:
    cluster = cluster_of(manifest)
    yield from (group["template"] for group in [cluster["headGroupSpec"], *workers(manifest)])


def workers(manifest: Any) -> Any:
    return cluster_of(manifest)["workerGroupSpecs"]


def check_manifest(manifest: Any) -> None:
    jsonschema.validate(manifest, SCHEMA)
    for template in templates(manifest):
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_the_launcher_takes_the_cluster_file() -> None:
    whole = check_launched(LAUNCHED)
    assert whole["available_node_types"]["gpu"]["min_workers"] == 0
    assert whole["head_setup_commands"] == whole["worker_setup_commands"] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda config: config.update(max_worker=3),
        lambda config: config.update(head_node_type="had"),
        lambda config: config["available_node_types"]["gpu"].pop("node_config"),
        lambda config: config["docker"].pop("container_name"),
        lambda config: config["auth"].pop("ssh_proxy_command"),
    ],
)
def test_the_launcher_refuses_a_spoilt_cluster_file(spoil: Change) -> None:
    config = copy.deepcopy(LAUNCHED)
    spoil(config)
    with pytest.raises((jsonschema.ValidationError, ValueError, AssertionError)):
        check_launched(config)


def faults_of_machine(node_config: dict[str, Any]) -> str:
    """What EC2's interface says of a machine; the launcher takes `SubnetIds` apart itself."""
    shape = botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances")
    asked = {key: value for key, value in node_config.items() if key != "SubnetIds"}
    report = ParamValidator().validate(asked | {"MinCount": 1, "MaxCount": 1}, shape.input_shape)
    return str(report.generate_report())


@pytest.mark.parametrize("kind", LAUNCHED["available_node_types"])
def test_machines_are_of_ec2s_words_and_make_no_open_group(kind: str) -> None:
    machine = LAUNCHED["available_node_types"][kind]["node_config"]
    assert faults_of_machine(machine) == ""
    assert "InstanceTyp" in faults_of_machine(machine | {"InstanceTyp": "m6i.large"})
    assert machine["SecurityGroupIds"]
    assert machine["SubnetIds"]


def test_the_launched_cluster_is_closed_and_asks_for_a_token() -> None:
    assert LAUNCHED["provider"]["use_internal_ips"] is True
    assert any("--dashboard-host=127.0.0.1" in line for line in LAUNCHED["head_start_ray_commands"])
    assert "--env RAY_AUTH_MODE=token" in LAUNCHED["docker"]["run_options"]
    assert LAUNCHED["file_mounts"] == {"/home/ray/.ray/auth_token": "~/.ray/auth_token"}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_kubernetes_and_kuberay_take_the_manifest(path: Path) -> None:
    manifest = read(path)
    check_manifest(manifest)
    assert cluster_of(manifest)["authOptions"] == {"mode": "token"}
    assert cluster_of(manifest)["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert [group["minReplicas"] for group in workers(manifest)] == [0]


@pytest.mark.parametrize(
    "served",
    [
        read(ROOT / "serve" / "config.yaml"),
        yaml.safe_load(read(ROOT / "docs/deploy/rayservice.yaml")["spec"]["serveConfigV2"]),
    ],
    ids=["config", "rayservice"],
)
def test_ray_serve_and_the_service_take_the_configuration(served: dict[str, Any]) -> None:
    deployed = ServeDeploySchema.model_validate(served)
    (application,) = deployed.applications
    options = validate(application.args, kind=ServeOptions)
    http = served["http_options"]
    assert (options.http.host, options.http.port) == (http["host"], http["port"])
    module, _, function = application.import_path.partition(":")
    assert f"def {function}(" in (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda job: cluster_of(job).update(authOption={"mode": "token"}),
        lambda job: cluster_of(job)["authOptions"].update(mode="tokens"),
        lambda job: cluster_of(job)["autoscalerOptions"].update(idleTimeoutSeconds="10m"),
        lambda job: workers(job)[0].pop("groupName"),
        lambda job: workers(job)[0].update(minReplicas=-1),
        lambda job: workers(job)[0]["template"]["spec"]["containers"][0].update(imagee="ray"),
        lambda job: workers(job)[0]["template"]["spec"]["containers"][0].pop("name"),
        lambda job: job["spec"].update(shutDownAfterJobFinishes=True),
        lambda job: job.update(kind="RayServices"),
    ],
)
def test_a_spoilt_manifest_is_refused(path: Path, spoil: Change) -> None:
    manifest = read(path)
    spoil(manifest)
    with pytest.raises(jsonschema.ValidationError):
        check_manifest(manifest)


PROXY_CALLBACK = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
NO_SECRETS = {"PYTHONPATH", PROXY_CALLBACK}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_secrets_come_by_reference_only(path: Path) -> None:
    for template in templates(read(path)):
        for container in template["spec"]["containers"]:
            written = {
                one["name"]: one["value"] for one in container.get("env", []) if "value" in one
            }
            assert set(written) <= NO_SECRETS
            assert written.get(PROXY_CALLBACK) in (None, LOCAL_SETTINGS[PROXY_CALLBACK])
            assert all(set(source) == {"secretRef"} for source in container.get("envFrom", []))


def test_the_job_of_the_manifest_is_one_that_training_takes() -> None:
    spec = read(ROOT / "docs" / "deploy" / "rayjob.yaml")["spec"]
    python, script, *words = shlex.split(spec["entrypoint"])
    assert (python, script) == ("python", "jobs/train.py")
    assert words.pop() == "--resume"  # a job that is tried again goes on
    options = list(zip(words[::2], words[1::2], strict=True))
    job = load_options(
        ROOT / dict(options)["--config"],
        kind=TrainJob,
        overrides=[value for option, value in options if option == "--set"],
        find_base=find_recipe,
    )
    assert all(Path(path).is_absolute() for path in (job.out, job.cache, job.corpus.uri))
    sent = yaml.safe_load(spec["runtimeEnvYAML"])
    assert sent.pop("working_dir").endswith(".zip")
    assert sent == SHIPPED


def test_all_files_name_one_version_of_ray() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    image = (ROOT / "docs" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    tested = re.findall(r"^ray==(.+)$", constraints, re.MULTILINE)
    assert re.findall(r"^FROM rayproject/ray:([\d.]+)-", image, re.MULTILINE) == tested
    assert {cluster_of(read(path))["rayVersion"] for path in MANIFESTS} == set(tested)
