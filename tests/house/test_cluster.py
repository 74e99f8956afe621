"""What a cluster makes of the repository as a working directory."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ray._private.runtime_env.packaging import create_package

from tests.conftest import ROOT

MOST_BYTES = 5 << 20

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


def test_what_travels_with_a_job_is_small_and_whole(tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    create_package(str(ROOT), package, include_gitignore=True, excludes=[".git"])
    assert package.stat().st_size < MOST_BYTES
    travels = set(zipfile.ZipFile(package).namelist())
    doors = [path for door in ("jobs", "serve") for path in (ROOT / door).rglob("*")]
    sources = [*(ROOT / "platform").rglob("*.py"), *doors]
    needed = {str(path.relative_to(ROOT)) for path in sources if path.is_file()}
    assert {path for path in needed if "__pycache__" not in path} <= travels
    assert not {path for path in travels if path.startswith((".venv", "runs/", "tests/", "docs/"))}
