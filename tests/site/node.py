"""Programs of Node's that the book is tried with. Node comes from the lock, they come by npm."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bookbuild.paths import BUILD


def tool(name):
    """A program of Node's, as it was installed beside this Python."""
    return shutil.which(name, path=str(Path(sys.executable).parent))


def fetched(package):
    """The folder with a package, `name@version`, which is fetched into it the first time."""
    name, _, version = package.rpartition("@")
    folder = BUILD / "node" / f"{name.rpartition('/')[2]}-{version}"
    if not (folder / "node_modules" / name).is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=folder.parent))  # whole before it has its name
        (new / "package.json").write_text("{}", encoding="utf-8")
        command = [tool("npm"), "install", "--silent", "--no-fund", "--no-audit", package]
        subprocess.run(command, cwd=new, check=True)
        with contextlib.suppress(OSError):  # another process was quicker
            new.rename(folder)
    return folder
