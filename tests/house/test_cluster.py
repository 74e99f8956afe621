"""What a cluster makes of the repository as a working directory."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

DRIVER = """
import ray

@ray.remote
def look():
    import platform, samesense
    return platform.python_implementation(), samesense.__file__

shipped = {"working_dir": ".", "env_vars": {"PYTHONPATH": "platform"}}
ray.init(address="local", include_dashboard=False, runtime_env=shipped, log_to_driver=False)
print(*ray.get(look.remote(), timeout=100))
"""


@pytest.mark.integration
def test_a_task_in_the_shipped_repository_keeps_pythons_platform_module() -> None:
    command = [sys.executable, "-c", DRIVER]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    implementation, package = run.stdout.split()
    assert implementation == "CPython"
    assert package.endswith("platform/samesense/__init__.py")
    assert not package.startswith(str(ROOT))
