"""Make the environment of the book: a virtual environment that holds exactly the lock.

It runs with the Python that was found on the machine, so it needs nothing but the standard library.
An environment that is not finished, is made from another lock, or whose Python is gone is made
again. Packages come by uv: the machine's own, else one that pip brings, else by pip itself.
Whatever goes wrong ends in a sentence that says what to do, with the installer's own words.
"""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The Python behind the one that runs us, which may stand in the very environment to be made again.
PYTHON = getattr(sys, "_base_executable", None) or sys.executable
BIN = "Scripts" if os.name == "nt" else "bin"
DONE = "finished"  # the file in an environment that says which locks were installed to the end

NO_NETWORK = (
    "NewConnectionError",
    "NameResolutionError",
    "Connection refused",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
    "dns error",
    "error sending request",
    "Failed to fetch",
)

# What somebody may need to reach a registry: pip's settings, with what uv calls them. All others
# stay outside: some send the packages elsewhere, and the lock says the rest.
PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "keyring-provider": "UV_KEYRING_PROVIDER",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "no-cache-dir": "UV_NO_CACHE",
    "cache-dir": None,
    "retries": None,
    "use-feature": None,
    "use-deprecated": None,
}
UV = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|INSECURE_HOST|KEYRING_PROVIDER|OFFLINE"
    r"|NATIVE_TLS|SYSTEM_CERTS|HTTP_.*|REQUEST_.*|.*CACHE.*|LINK_MODE|CONCURRENT_.*)"
)

# Run in the environment: is what the lock promises there, in the version it says, and can the
# packages that everything rests on be imported?
PROMISED = """
import importlib.metadata, pathlib, re, sys
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
prefix = pathlib.Path(sys.prefix).resolve()
there = {canonicalize_name(d.metadata["Name"]): d.version
         for d in importlib.metadata.distributions()
         if prefix in pathlib.Path(d.locate_file("")).resolve().parents}
for line in pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
    if re.match(r"[A-Za-z0-9].*==", line):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate():
            found = there.get(canonicalize_name(wanted.name), "missing")
            if not wanted.specifier.contains(found.replace("missing", "0"), prereleases=True):
                sys.exit(f"{line.split(' ;')[0]} is promised, and it is {found}")
for name in sys.argv[2:]:
    __import__(name)
"""
IMPORTED = ("jacobians", "bookbuild", "numpy", "scipy.optimize", "matplotlib", "jupyter_book")


def python(venv):
    return str(venv / BIN / "python")


def main(venv, *locks):
    """Make the environment `venv` if need be, and install into it what it lacks of `locks`."""
    wanted, done = stamps(locks), finished(venv)
    common = min(len(wanted), len(done))
    if common and wanted[:common] == done[:common]:
        missing = list(zip(locks, wanted, strict=True))[common:]
        settings = installers_settings() if missing else {}
    else:
        missing, settings = zip(locks, wanted, strict=True), installers_settings()
        create(venv, settings)
    for lock, stamp in missing:
        install(venv, lock, settings)
        with (venv / DONE).open("a", encoding="utf-8") as file:
            file.write(stamp + "\n")


def stamps(locks):
    """A line for each lock: it changes with the lock, the package's needs and the place."""
    package = (ROOT / "code/pyproject.toml").read_bytes() + os.fsencode(ROOT)
    return [
        f"{lock} {hashlib.sha256((ROOT / lock).read_bytes() + package).hexdigest()}"
        for lock in locks
    ]


def finished(venv):
    """The stamps of the locks that were installed to the end, if the environment still runs."""
    try:
        command = [python(venv), "-I", "-c", ""]
        subprocess.run(command, env=clean(), check=True, capture_output=True)
        return (venv / DONE).read_text(encoding="utf-8").splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


# ----------------------------------------------------------------------- other people's settings


def clean():
    """The user's environment without what would reach into a Python of ours.

    In a locale that is not UTF-8 Python 3.11 misreads where the package lies, if the folder's name
    is not English.
    """
    kept = ("PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED")
    locales = ("LC_ALL", "LC_CTYPE", "LANG")
    return {
        name: value
        for name, value in os.environ.items()
        if (name in kept or not name.startswith(("PYTHON", "__PYVENV")))
        and (name not in locales or "utf" in value.lower())
    }


def installers_settings():
    """The environment for pip and uv: what the user has said of registries, and nothing else."""
    settings = {
        name: value
        for name, value in clean().items()
        if not name.startswith(("PIP_", "UV_")) or UV.fullmatch(name)
    }
    said = of_pip()
    for name, of_uv in PIP.items():
        if value := " ".join(said.get(name, "").split()):
            settings[f"PIP_{name.upper().replace('-', '_')}"] = value
            if of_uv:
                settings.setdefault(of_uv, value)
    if "find-links" in said:
        settings["UV_FIND_LINKS"] = ",".join(said["find-links"].split())
        if said.get("no-index", "false").lower() not in ("", "0", "false", "no", "off"):
            settings["PIP_NO_INDEX"] = "1"
    # An index more is asked as pip asks it: whichever has the version that the lock names.
    settings.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return settings | {"PIP_CONFIG_FILE": os.devnull, **of_uv_file()}


def of_pip():
    """What pip's files and variables say, by pip's own names."""
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    try:
        lines = run(command, clean())[1].splitlines()
    except OSError:
        lines = []
    lines += [
        f":env:.{name[4:].lower().replace('_', '-')}={value!r}"
        for name, value in os.environ.items()
        if name.startswith("PIP_") and value  # there may be no pip to ask
    ]
    said = {}
    for section in (r"global", r"install", r":env:"):  # the last one counts
        for line in lines:
            if match := re.fullmatch(rf"{section}\.([\w-]+)=('.*'|\".*\")", line.strip()):
                said[match[1]] = ast.literal_eval(match[2])
    return said


def of_uv_file():
    """The user's uv.toml, unless it has a word on where `uv pip` installs; and no other one.

    A file in a folder above, that of a course for instance, is not meant for this book.
    """
    places = [
        Path(os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME") or "~/.config"),
        Path(os.environ.get("PROGRAMDATA", "/etc")),
    ]
    for place in places:
        try:
            file = place.expanduser() / "uv/uv.toml"
            if "pip" not in tomllib.loads(file.read_text(encoding="utf-8")):
                return {"UV_CONFIG_FILE": str(file)}
        except (OSError, RuntimeError, ValueError):
            continue
    return {"UV_NO_CONFIG": "1"}


# ------------------------------------------------------------------------------------ installing


def run(command, settings, log=None):
    """The exit code of a command and what it said; that is written into a log as well."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
    )  # fmt: skip
    said, seen = [], 0
    with open(log or os.devnull, "a", encoding="utf-8") as file:
        for line in process.stdout:
            file.write(line)
            said.append(line)
            if log and line.startswith("Collecting"):
                seen += 1
                if seen % 20 == 0:
                    say(f"  {seen} so far")
    return process.wait(), "".join(said)


def works(uv, settings):
    """Whether there is a uv that runs, and is not so old that it knows other settings."""
    try:
        code, said = run([uv, "--version"], settings) if uv else (1, "")
    except OSError:
        return False
    version = re.match(r"uv (\d+)\.(\d+)", said)
    return code == 0 and version and (int(version[1]), int(version[2])) >= (0, 5)


def machines_uv(settings):
    uv = shutil.which("uv")
    return uv if works(uv, settings) else None


def create(venv, settings):
    if not venv.exists():
        say(f"Making the environment {venv.name} with Python {sys.version.split()[0]}")
    else:
        say(f"The environment {venv.name} is unfinished or out of date: making it again")
        remove(venv)
    venv.mkdir(parents=True)
    (venv / DONE).touch()
    uv = machines_uv(settings)
    if uv:
        command = [uv, "venv", "--quiet", "--allow-existing", "--python", PYTHON, str(venv)]
    else:
        command = [PYTHON, "-m", "venv", str(venv)]
    code, said = run(command, settings)
    if code:
        remove(venv)
        if "ensurepip" in said or "No module named venv" in said:
            stop(
                f"{PYTHON} has no venv. Install it (on Debian and Ubuntu: "
                "apt install python3-venv) and run make again."
            )
        stop(f"{command[0]} could not make {venv}: {said.strip()}")


def remove(venv):
    """Remove an environment that is ours: not somebody's folder that VENV happens to name."""
    if not (venv == ROOT / ".venv" or (venv / DONE).is_file() or not any(venv.iterdir())):
        stop(f"{venv} was not made by this book. Remove it yourself, or say VENV=another.")
    shutil.rmtree(venv, ignore_errors=True)
    if venv.exists():
        stop(f"{venv} cannot be removed. Close what uses it, and run make again.")


def install(venv, lock, settings):
    text = (ROOT / lock).read_text(encoding="utf-8")
    log = venv / "install.log"
    log.write_text("", encoding="utf-8")
    by_pip = [python(venv), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    by_pip += ["--retries", settings.get("PIP_RETRIES", "2")]
    uv = machines_uv(settings)
    brought = not uv
    if brought:
        code, said = bring_uv(by_pip, settings, log)
        if code and any(sign in said for sign in NO_NETWORK):
            give_up(lock, said, log)
        uv = shutil.which("uv", path=str(venv / BIN))
        uv = uv if works(uv, settings) else None
    say(f"Installing {lock} (some {text.count('==')} packages) with {'uv' if uv else 'pip'}")
    code = 1
    if uv:
        by_uv = [uv, "pip", "install", "--python", python(venv), "-r", lock]
        by_uv += ["--no-index"] if "PIP_NO_INDEX" in settings else []
        code, said = run(by_uv, settings, log)
    if not uv or (code and brought):  # pip has reached the registry where uv does not
        code, said = run([*by_pip, "-r", lock], settings, log)
    if code:
        give_up(lock, said, log)
    question = [python(venv), "-I", "-c", PROMISED, str(ROOT / lock), *IMPORTED]
    code, said = run(question, settings, log)
    if code:
        stop(f"{lock} was installed, but not as it says: {last_words(said)} (details: {log}).")


def bring_uv(by_pip, settings, log):
    """Have pip install the uv that the lock names: with it, all in all, it is quicker."""
    if run([*by_pip[:3], "--version"], settings)[0]:  # uv made the environment, and is gone
        run([by_pip[0], "-m", "ensurepip"], settings, log)
    pinned = re.search(r"^uv==\S+", (ROOT / "requirements-dev.txt").read_text("utf-8"), re.M)
    return run([*by_pip, "--only-binary", ":all:", pinned[0]], settings, log)


def give_up(lock, said, log):
    if any(sign in said for sign in NO_NETWORK):
        stop(
            "The package registry cannot be reached. Connect to the network and run make again. "
            f"The installer says: {last_words(said)} (details: {log})."
        )
    stop(f"Installing {lock} failed. The installer says: {last_words(said)} (details: {log}).")


def last_words(said):
    """What a program said last of an error, or at least last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["nothing"]
    errors = [
        i for i, line in enumerate(lines) if re.match(r"(\W*error\b|\w*Error\b|×)", line, re.I)
    ]
    return " ".join(lines[errors[-1] if errors else -1 :][:4]).rstrip(".")


def say(text):
    print(text, flush=True)


def stop(text):
    sys.exit(f"make: {text}")
