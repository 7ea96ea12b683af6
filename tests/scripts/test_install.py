"""The installer remembers what it did, for the requirements that it did it for. pip itself is replaced by a program."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import venv as environments
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "install.py"


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment whose python notes how it was called and ends with the status in `status`."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        '#!/bin/sh\nif [ "$*" = "-m pip --version" ]; then exit 0; fi\n'
        f'echo "$@" >> {tmp_path}/calls\necho "PIP_USER=$PIP_USER" >> {tmp_path}/calls\n'
        f"exit $(cat {tmp_path}/status)\n"
    )
    python.chmod(0o755)
    (tmp_path / "status").write_text("0")
    (tmp_path / "calls").write_text("")
    return tmp_path / "venv"


def calls(venv: Path) -> list[str]:
    lines = (venv.parent / "calls").read_text().splitlines()
    return [line for line in lines if line.startswith("-m pip")]


def test_a_half_made_environment_is_made_again(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an interrupted run leaves it: the interpreter is there and pip is not."""
    half = tmp_path / "half"
    environments.create(half, with_pip=False)
    (half / ".installed-torch").write_text("what an earlier environment had")
    python = install.create_environment(half)
    subprocess.run([python, "-m", "pip", "--version"], check=True, stdout=subprocess.DEVNULL)
    assert "again" in capsys.readouterr().err
    assert not (half / ".installed-torch").exists()
    assert install.create_environment(half) == python
    assert capsys.readouterr().err == ""


def test_an_environment_of_a_python_that_is_gone_is_made_again(install: ModuleType, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "gone")
    with pytest.raises(SystemExit, match="no virtual environment"):
        install.create_environment(tmp_path / "venv")
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert install.create_environment(tmp_path / "venv") == python
    subprocess.run([python, "-m", "pip", "--version"], check=True, stdout=subprocess.DEVNULL)


def test_torch_comes_first_pinned_and_alone(install: ModuleType, venv: Path) -> None:
    assert install.main(["base", "--venv", str(venv)]) == 0
    first, second = calls(venv)
    assert first.endswith(f"torch=={install.pinned('torch')}")
    assert second.endswith("-e .[cpu]")
    assert all("constraints.txt" in call for call in (first, second))
    assert not any("index" in call for call in (first, second))


def test_nothing_is_installed_twice(install: ModuleType, venv: Path) -> None:
    install.main(["base", "--venv", str(venv)])
    before = len(calls(venv))
    assert install.main(["base", "--venv", str(venv)]) == 0
    assert len(calls(venv)) == before


def test_what_failed_is_tried_again(
    install: ModuleType, venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (venv.parent / "status").write_text("1")
    assert install.main(["chat", "--venv", str(venv)]) == 1
    assert "make chat" in capsys.readouterr().err
    assert len(calls(venv)) == 1
    (venv.parent / "status").write_text("0")
    assert install.main(["chat", "--venv", str(venv)]) == 0
    assert len(calls(venv)) == 2


@pytest.mark.parametrize(
    ("arguments", "compiles"), [(["demo"], False), (["chat"], False), (["chat", "MODEL=a.gguf"], True)]
)
def test_nothing_is_compiled_for_those_who_bring_no_model(arguments: list[str], compiles: bool) -> None:
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    root = Path(__file__).parents[2]
    planned = subprocess.run(
        ["make", "-n", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    [installs] = [line for line in planned.splitlines() if "install.py" in line]
    assert installs.endswith("base chat") == compiles


def test_a_user_wide_pip_setting_does_not_reach_the_environment(
    install: ModuleType, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_USER", "1")
    install.main(["dev", "--venv", str(venv)])
    assert "PIP_USER=0" in (venv.parent / "calls").read_text()


def test_every_requirement_is_pinned(install: ModuleType) -> None:
    import re
    import tomllib

    project = tomllib.loads((SCRIPT.parents[1] / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    names = {re.split(r"[<>=!~\[; ]", requirement)[0].replace("_", "-").lower() for requirement in wanted}
    for name in names - {"onnxruntime-gpu"}:
        assert install.pinned(name)
