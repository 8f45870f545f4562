"""The environment that the book is built in, whatever the user's own is.

What somebody has set for their own work (a matplotlib backend, PYTHONPATH, IPython's start-up
files, a locale, a time zone, a umask) would change a page, or write a line to stderr and so end the
build.
A build therefore sees the variables that are named here and no others, and what its tools keep for
themselves lies in `_build`, so that no home is needed.
"""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

# What a process needs to run at all, to reach a network, or is there for us.
KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|TEMP|TMP|TERM|CI|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_.*|NIX_.*"
    r"|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|USERNAME|HOMEDRIVE|HOMEPATH"
    r"|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES.*|NUMBER_OF_PROCESSORS|PROCESSOR_.*"
    r"|(HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE"
    r"|BOOK_.*|PYTHON(HASHSEED|PYCACHEPREFIX|UNBUFFERED|WARNDEFAULTENCODING)",
    re.IGNORECASE,
)

# Small matrices: more threads only wait for each other, and round otherwise.
THREADS = ("OPENBLAS", "OMP", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR")

# Figures are set in the font that matplotlib brings, not in one of the same name that a machine
# happens to have; and the list of fonts is made here, not in a cell, where making it is a warning.
FONTS = """
from pathlib import Path
import matplotlib.font_manager as fonts
every = fonts.findSystemFonts
fonts.findSystemFonts = lambda paths=None, fontext="ttf": every(paths, fontext) if paths else []
target = Path(fonts.mpl.get_cachedir(), f"fontlist-v{fonts.FontManager.__version__}.json")
fonts.json_dump(fonts.FontManager(), target)
"""

# A kernel on this machine need not warn, once for each chapter, that it talks over TCP. What a cell
# prints is sent in one piece when it ends: pieces would be joined with line breaks between them,
# where the machine was slow.
KERNEL = """\
c.IPKernelApp.log_level = 40
c.InteractiveShellApp.exec_lines = [
    "__import__('ipykernel.iostream').iostream.OutStream.flush_interval = 3600"
]
"""


def variables(root):
    """The environment of a build of the book in the folder `root`."""
    build = root / "_build"
    ours = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    inside = [path for path in given if path and Path(path).resolve().is_relative_to(root)]
    return ours | {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([*inside, str(root / "code/src")])),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "LANG": "C",  # LC_ALL would keep Python from reading its own files as UTF-8
        "TZ": "UTC",
        "NO_COLOR": "1",
        "MPLCONFIGDIR": str(build / "matplotlib"),
        "IPYTHONDIR": str(build / "ipython"),
        "JUPYTER_CONFIG_DIR": str(build / "jupyter/config"),
        "JUPYTER_DATA_DIR": str(build / "jupyter/data"),
        "JUPYTER_RUNTIME_DIR": str(build / "jupyter/runtime"),
        "DASK_CONFIG": str(build / "dask"),
        **{f"{library}{'' if '_' in library else '_NUM'}_THREADS": "1" for library in THREADS},
    }


def enter(root):
    """Leave the user's environment for the build's, in this process and all that it starts."""
    ours = variables(root)
    os.environ.clear()
    os.environ.update(ours)
    os.umask(0o022)  # what is built is there to be read
    kernel = Path(ours["IPYTHONDIR"], "profile_default/ipython_kernel_config.py")
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.write_text(KERNEL, encoding="utf-8")
    prepare_fonts(ours)


def prepare_fonts(ours):
    """Write matplotlib's list of fonts for this environment, once for each matplotlib."""
    folder = Path(ours["MPLCONFIGDIR"])
    done = folder / f"fonts of {version('matplotlib')}"
    if not done.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-c", FONTS], env=ours, check=True, capture_output=True)
        done.touch()
