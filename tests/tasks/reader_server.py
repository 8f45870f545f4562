"""A Jupyter server on loopback, as a reader has it: for the tests and for `make binder`."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

TOKEN = "reader"

# In the page: run every cell of the open notebook, save it, and give it back.
RUN_ALL = """async () => {
    const app = window.jupyterapp, notebook = app.shell.currentWidget;
    await notebook.sessionContext.ready;
    await app.commands.execute("notebook:run-all-cells");
    await app.commands.execute("docmanager:save");
    return JSON.stringify(notebook.content.model.sharedModel.toJSON());
}"""


@contextlib.contextmanager
def jupyter(folder, kind="lab", python=sys.executable, **settings):
    """A server on loopback that has the book's settings and no others; its address.

    `settings` are variables of the environment: by default those of `make lab`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "jupyter", kind, "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", f"--ServerApp.token={TOKEN}"]
    command += [f"--{app}.expose_app_in_browser=True" for app in ("LabApp", "JupyterNotebookApp")]
    if not settings:
        settings = {"JUPYTER_CONFIG_PATH": f"{folder}/.jupyter", "JUPYTER_CONFIG_DIR": "nobody"}
    settings["PATH"] = f"{os.path.dirname(python)}:{os.environ['PATH']}"
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", **settings}
    with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(240):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{address}/api?token={TOKEN}")
                    break
                assert server.poll() is None, Path(log.name).read_text(encoding="utf-8")
                time.sleep(0.25)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:  # it waits for kernels that a busy machine forgot
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
