"""Make the environment of the book: a virtual environment that holds exactly the lock.

    python code/install.py .venv requirements.txt [requirements-dev.txt ...]

It runs with the Python that was found on the machine, so it needs nothing but the standard library.
An environment that is not finished, is made from another lock, or whose Python is gone is made
again. Whatever goes wrong ends in one line that says what to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
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


def main(venv, *locks):
    venv, uv = ROOT / venv, shutil.which("uv")
    if sys.version_info < (3, 11):  # noqa: UP036 (it may be run by any Python)
        stop(f"Python 3.11 or newer is needed, and {sys.executable} is {sys.version.split()[0]}.")
    wanted, done = stamps(locks), finished(venv)
    common = min(len(wanted), len(done))
    if common == 0 or wanted[:common] != done[:common]:
        common = 0
        create(venv, uv)
    for lock, stamp in list(zip(locks, wanted, strict=True))[common:]:
        install(venv, uv, lock)
        with (venv / "finished").open("a") as file:
            file.write(stamp + "\n")


def stamps(locks):
    """A line for each lock: it changes with the lock, the package's needs and the place."""
    package = (ROOT / "code/pyproject.toml").read_bytes() + bytes(ROOT)
    return [
        f"{lock} {hashlib.sha256((ROOT / lock).read_bytes() + package).hexdigest()}"
        for lock in locks
    ]


def finished(venv):
    """The stamps of the locks that were installed to the end, if the environment still runs."""
    try:
        subprocess.run([venv / "bin/python", "-c", ""], check=True, capture_output=True)
        return (venv / "finished").read_text().splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


def create(venv, uv):
    if venv.exists():
        say(f"The environment {venv.name} is unfinished or out of date: making it again")
    else:
        say(f"Making the environment {venv.name} with Python {sys.version.split()[0]}")
    shutil.rmtree(venv, ignore_errors=True)
    if uv:
        command = [uv, "venv", "--quiet", "--python", sys.executable, str(venv)]
    else:
        command = [sys.executable, "-m", "venv", str(venv)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        if "ensurepip" in result.stdout + result.stderr or "No module named venv" in result.stderr:
            stop(
                f"{sys.executable} has no venv. Install it (on Debian and Ubuntu: "
                "apt install python3-venv) and run make again."
            )
        stop(f"{command[0]} could not make {venv}: {(result.stderr or result.stdout).strip()}")


def install(venv, uv, lock):
    count = sum("==" in line for line in (ROOT / lock).read_text().splitlines())
    say(f"Installing {lock} (some {count} packages, about a minute)")
    if uv:
        command = [uv, "pip", "install", "--python", str(venv / "bin/python"), "-r", lock]
    else:
        command = [str(venv / "bin/python"), "-m", "pip", "install", "--retries", "2"]
        command += ["--disable-pip-version-check", "--no-input", "-r", lock]
    log = venv / "install.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        seen = 0
        for line in process.stdout:
            file.write(line)
            if line.startswith("Collecting"):
                seen += 1
                if seen % 20 == 0:
                    say(f"  {seen} so far")
            elif line.startswith("Installing collected"):
                say("  unpacking")
    if process.wait():
        text = log.read_text()
        if any(sign in text for sign in NO_NETWORK):
            stop(
                "The package registry cannot be reached. Connect to the network and run make "
                f"again (details: {log})."
            )
        last = [line for line in text.splitlines() if "rror" in line] or ["no message"]
        stop(f"Installing {lock} failed: {last[-1].strip()} (details: {log}).")


def say(text):
    print(text, flush=True)


def stop(text):
    sys.exit(f"make: {text}")


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        stop("Interrupted. The next make starts the installation again.")
