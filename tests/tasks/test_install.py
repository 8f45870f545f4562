"""From a bare machine to the environment: what is said there, and whose settings count."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from labels import ROOT

sys.path.insert(0, str(ROOT / "code"))
import install

UV = Path(sys.prefix) / install.BIN / "uv"
posix = pytest.mark.skipif(os.name == "nt", reason="a fake program is a shell script")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with a few tools and a home of its own, without uv, and with nobody's settings."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "make", "env"):
        if path := shutil.which(tool):
            (tools / tool).symlink_to(path)
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_", "PYTHON", "SSL_")) or name == "VENV":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    return tools


@pytest.fixture
def project(tmp_path, monkeypatch):
    """What installing looks at, with a lock of two packages that lie in a folder beside it."""
    project = tmp_path / "a book, mit Umlaut ü"
    (project / "code").mkdir(parents=True)
    for name in ("make.py", "Makefile", "code/install.py", "code/pyproject.toml"):
        shutil.copy(ROOT / name, project / name)
    wheels = project / "wheels"
    wheels.mkdir()
    packaging = repacked("packaging", wheels)
    write_wheel(wheels / "tiny-1.0-py3-none-any.whl", "tiny", "1.0", {"tiny.py": "HERE = 1\n"})
    lock = (
        f"packaging=={packaging}\ntiny==1.0 ; python_version > '3'\nnever==1 ; python_version < '3'"
    )
    (project / "requirements.txt").write_text(lock, "utf-8")
    (project / "requirements-dev.txt").write_text("uv==0.0.1\n", "utf-8")
    monkeypatch.setattr(install, "ROOT", project)
    monkeypatch.setattr(install, "IMPORTED", ("tiny", "packaging"))
    return project


def write_wheel(path, name, version, files):
    info = f"{name}-{version}.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


def repacked(name, folder):
    """The wheel of a package of this environment; its version."""
    package = importlib.metadata.distribution(name)
    sources = [file for file in package.files if file.suffix == ".py"]
    files = {str(file): file.read_text("utf-8") for file in sources}
    write_wheel(folder / f"{name}-{package.version}-py3-none-any.whl", name, package.version, files)
    return package.version


def from_folder(project, monkeypatch):
    """Packages come from the folder, as on a machine without a network."""
    monkeypatch.setenv("PIP_FIND_LINKS", f"{(project / 'wheels').as_uri()}")
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def make(project, *arguments, **environment):
    """make in the project; by default with the Python that runs the tests."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=project, env=ours | environment, encoding="utf-8",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240,
    )  # fmt: skip


def said_by_make(result):
    """The lines of our own, without make's last word on the failed target."""
    lines = result.stdout.splitlines()
    return [line for line in lines if line.startswith("make: ") and "***" not in line]


def fake(folder, name, body):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)
    return path


# --------------------------------------------------------------------------- what is said in a line


@posix
def test_a_machine_without_python_is_told_so_in_one_line(project, machine):
    result = make(project)
    assert result.returncode != 0
    (line,) = said_by_make(result)
    assert "Python 3.11 or newer is needed" in line and "PYTHON=" in line


@posix
def test_a_python_that_is_too_old_is_passed_over(project, machine):
    fake(machine, "python3", "exit 1")  # what the version check comes to
    result = make(project)
    assert "Python 3.11 or newer is needed" in said_by_make(result)[0] and result.returncode != 0


@posix
def test_a_python_that_was_asked_for_and_is_too_old_is_named(project, machine):
    pretend = "import runpy, sys; sys.version_info, sys.version = (3, 9), '3.9.1'; del sys.argv[:2]"
    command = f"{pretend}; runpy.run_path(sys.argv[0], run_name='__main__')"
    old = fake(machine, "python 3.9", f'exec {sys.executable} -c "{command}" "$@"')
    result = make(project, f"PYTHON={old}", "VENV=new")
    (line,) = said_by_make(result)
    assert "3.11 or newer is needed" in line and "3.9.1" in line and result.returncode != 0


@posix
@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.10"])
def test_any_python_that_is_found_here_and_is_too_old_says_so(version):
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    places = [shutil.which(f"python{version}"), *pyenv.glob(f"versions/{version}.*/bin/python")]
    found = places[-1]
    if not found or subprocess.run([found, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"no Python {version}")
    result = subprocess.run([found, ROOT / "make.py"], capture_output=True, encoding="utf-8")
    assert result.returncode == 1 and result.stderr.startswith("make: Python 3.11 or newer")


def test_a_task_that_does_not_exist_is_named():
    result = subprocess.run(
        [sys.executable, ROOT / "make.py", "nosuch"], capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 1
    assert result.stderr == "make: there is no task nosuch; make help lists them.\n"


@posix
def test_make_is_a_cover_that_has_no_task_of_its_own(project, machine):
    (project / "check").touch()  # not a target to be up to date
    (project / "make.py").write_text("import sys\nprint(sys.argv[1:])", "utf-8")
    python = f"PYTHON={sys.executable}"
    assert make(project, python).stdout == "['html']\n"
    assert make(project, python, "check", "tests").stdout == "['check']\n['tests']\n"
    assert make(project, python, "lab", "OPTIONS=--no-browser -y").stdout == (
        "['lab', '--no-browser', '-y']\n"
    )
    assert make(project, python, "chapter", "NAME=one").stdout == "['chapter', 'one']\n"
    assert make(project, python, "chapter", NAME="laptop").stdout == "['chapter']\n"
    assert make(project, python, "grade", "CHAPTER=one", "FOLDER=a b", CHAPTER="two").stdout == (
        "['grade', 'one', 'a b']\n"
    )


def test_a_python_without_venv_is_told_what_to_install(project, machine, monkeypatch):
    monkeypatch.setattr(install, "run", lambda *_: (1, "ensurepip is not available"))
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        install.create(project / ".venv", {})
    assert not (project / ".venv").exists()


def test_no_network_is_said_in_one_line_and_the_next_make_starts_again(
    project, machine, monkeypatch, capsys
):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")  # pip is silent about none
    for _ in range(2):
        with pytest.raises(SystemExit, match="^make: The package registry cannot be reached"):
            install.main(project / "new", "requirements.txt")
    assert "making it again" in capsys.readouterr().out


@pytest.mark.parametrize(
    "said, words",
    [
        ("Collecting x\nERROR: Can not perform a '--user' install.\n", "ERROR: Can not perform a"),
        ("error: No solution\n  cause: no such version\n", "error: No solution cause: no such ver"),
        ("  x No\nTraceback\nOSError: [Errno 28] No space left on device\n", "OSError: [Errno 28]"),
        ("Killed\n", "Killed"),
        ("", "nothing"),
    ],
)
def test_an_error_is_told_in_the_installers_own_words(said, words):
    assert install.last_words(said).startswith(words)


# ----------------------------------------------------------------------------- whose settings count


@pytest.fixture(params=["uv", "pip"])
def tool(request, machine):
    if request.param == "uv":
        (machine / "uv").symlink_to(UV)
    return request.param


def test_no_setting_of_pip_or_uv_sends_a_package_elsewhere(
    tool, project, machine, monkeypatch, capsys
):
    from_folder(project, monkeypatch)
    home, elsewhere = project.parent / "home", project.parent / "elsewhere"
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/uv").mkdir()
    (home / ".config/pip/pip.conf").write_text("[install]\nuser = true\nroot = /nowhere\n", "utf-8")
    (home / ".config/uv/uv.toml").write_text(f"[pip]\ntarget = '{elsewhere.as_posix()}'\n", "utf-8")
    (project.parent / "uv.toml").write_text("[pip]\nno-deps = 'of another project'\n", "utf-8")
    for name in ("TARGET", "PREFIX", "ROOT", "SRC"):
        monkeypatch.setenv(f"PIP_{name}", str(elsewhere))
    for name in (
        "USER",
        "REQUIRE_VIRTUALENV",
        "REQUIRE_HASHES",
        "DRY_RUN",
        "NO_BINARY",
        "ISOLATED",
    ):
        monkeypatch.setenv(f"PIP_{name}", "1")
    for name in (
        "SYSTEM_PYTHON",
        "REQUIRE_HASHES",
        "NO_BINARY",
        "VENV_SEED",
        "BREAK_SYSTEM_PACKAGES",
    ):
        monkeypatch.setenv(f"UV_{name}", "1")
    monkeypatch.setenv("UV_PYTHON", "3.8")
    monkeypatch.setenv("PYTHONPATH", str(elsewhere))
    monkeypatch.setenv("PYTHONNOUSERSITE", "")
    monkeypatch.setenv("VIRTUAL_ENV", str(elsewhere))
    monkeypatch.setenv("LC_ALL", "C")
    venv = project / ".venv"
    install.main(venv, "requirements.txt")
    assert f"with {tool}" in capsys.readouterr().out
    assert list(venv.rglob("tiny.py")) and not elsewhere.exists()
    assert len((venv / install.DONE).read_text("utf-8").splitlines()) == 1


def test_an_environment_that_lacks_what_the_lock_promises_is_not_finished(
    tool, project, machine, monkeypatch
):
    from_folder(project, monkeypatch)
    venv = project / ".venv"
    monkeypatch.setattr(install, "IMPORTED", ("tiny", "broken"))
    with pytest.raises(SystemExit, match="installed, but not as it says: .*broken"):
        install.main(venv, "requirements.txt")
    assert install.finished(venv) == []
    monkeypatch.setattr(install, "IMPORTED", ("tiny",))
    install.main(venv, "requirements.txt")
    (module,) = venv.rglob("tiny-*.dist-info")
    shutil.rmtree(module)
    code, said = install.run(
        [install.python(venv), "-I", "-c", install.PROMISED, str(project / "requirements.txt")],
        install.clean(),
    )
    assert code == 1 and "tiny==1.0 is promised, and it is missing" in said


def test_what_somebody_needs_to_reach_a_registry_is_kept(project, machine, monkeypatch):
    conf = project / "pip.conf"
    conf.write_text(
        "[global]\nindex-url = https://mirror.example/simple\nproxy = http://proxy.example:3128\n"
        "extra-index-url =\n  https://one.example/\n  https://two.example/\n"
        "[install]\ntrusted-host = mirror.example\nno-deps = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(conf))
    monkeypatch.setenv("PIP_CERT", "/certificates.pem")
    monkeypatch.setenv("PIP_CACHE_DIR", "/cache")
    monkeypatch.setenv("UV_CACHE_DIR", "/uv/cache")
    monkeypatch.setenv("UV_INDEX_COMPANY_PASSWORD", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example")
    settings = install.installers_settings()
    wanted = {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "PIP_PROXY": "http://proxy.example:3128",
        "ALL_PROXY": "http://proxy.example:3128",
        "PIP_EXTRA_INDEX_URL": "https://one.example/ https://two.example/",
        "UV_INDEX": "https://one.example/ https://two.example/",
        "PIP_TRUSTED_HOST": "mirror.example",
        "UV_INSECURE_HOST": "mirror.example",
        "PIP_CERT": "/certificates.pem",
        "SSL_CERT_FILE": "/certificates.pem",
        "PIP_CACHE_DIR": "/cache",
        "UV_CACHE_DIR": "/uv/cache",
        "UV_INDEX_COMPANY_PASSWORD": "secret",
        "HTTPS_PROXY": "http://other.example",
    }
    assert wanted.items() <= settings.items()
    assert "PIP_NO_DEPS" not in settings


def test_a_uv_file_counts_if_it_is_the_users_and_says_nothing_of_where(project, machine):
    file = project.parent / "home/.config/uv/uv.toml"
    file.parent.mkdir(parents=True)
    assert install.of_uv_file() == {"UV_NO_CONFIG": "1"}
    file.write_text("[[index]]\nurl = 'https://mirror.example/simple'\ndefault = true\n", "utf-8")
    assert install.of_uv_file() == {"UV_CONFIG_FILE": str(file)}
    file.write_text("[pip]\ntarget = '/elsewhere'\n", "utf-8")
    assert install.of_uv_file() == {"UV_NO_CONFIG": "1"}


@posix
def test_a_uv_that_does_not_run_is_no_uv(machine):
    fake(machine, "uv", 'echo "pyenv: uv: command not found"; exit 127')
    assert install.machines_uv({}) is None
    fake(machine, "uv", "echo uv 0.4.30")  # it knows other settings
    assert install.machines_uv({}) is None
    fake(machine, "uv", "echo uv 0.13.9")
    assert install.machines_uv({}) == str(machine / "uv")


# ------------------------------------------------------------------------------- what is made again


def test_an_interrupted_installation_is_made_again(project, machine, monkeypatch, capsys):
    from_folder(project, monkeypatch)
    venv = project / "new"
    (venv / install.BIN).mkdir(parents=True)
    (venv / install.DONE).touch()
    install.main(venv, "requirements.txt")
    assert "making it again" in capsys.readouterr().out
    install.main(venv, "requirements.txt")
    assert capsys.readouterr().out == ""


def test_a_folder_that_is_not_ours_is_left_alone(project, machine):
    mine = project / "mine"
    mine.mkdir()
    (mine / "work").touch()
    with pytest.raises(SystemExit, match="was not made by this book"):
        install.main(mine, "requirements.txt")
    assert (mine / "work").exists()


def test_the_uv_that_is_brought_is_the_one_that_resolves_the_lock():
    assert "\nuv==" in (ROOT / "requirements-dev.txt").read_text("utf-8")
    settings = tomllib.loads((ROOT / "code/pyproject.toml").read_text("utf-8"))
    assert settings["project"]["requires-python"] == ">=3.11"
