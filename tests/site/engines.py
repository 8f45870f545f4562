"""One page in each of three engines, told what to do by the same few verbs.

Chromium by Playwright, the browser that other tests have; Firefox by Marionette, which it has built
in; WebKit by its WebDriver, on a screen of its own. `run` takes the body of a function, whose
arguments are `arguments`.
"""

import base64
import gc
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from marionette_driver.keys import Keys as FirefoxKeys
from marionette_driver.marionette import ActionSequence, Marionette
from selenium.webdriver import ActionChains, WebKitGTK
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.utils import free_port
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from bookbuild import browser

SIZE = (1280, 900)
# A picture of a WebKit page waits for a frame, and a page at rest draws none: something flickers.
FLICKER = """
    const dot = document.body.appendChild(document.createElement("i"));
    dot.style = "position: fixed; right: 0; bottom: 0; width: 1px; height: 1px; background: #888";
    dot.animate({opacity: [1, .5]}, {duration: 100, iterations: Infinity});
"""


class Chromium:
    name = "chromium"

    def __init__(self, chrome):
        width, height = SIZE
        self.page = chrome.new_page(viewport={"width": width, "height": height})
        self.messages = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))

    def visit(self, address):
        self.messages.clear()
        self.page.goto(address)

    def run(self, script, *arguments):
        self.page.wait_for_load_state("domcontentloaded")  # of the page that a key has led to
        return self.page.evaluate(
            f"list => (function () {{ {script} }}).apply(null, list)", list(arguments)
        )

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def drag(self, start, end):
        self.page.mouse.move(*start)
        self.page.mouse.down()
        if end != start:  # which a frame without scripts would never answer
            self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()

    def picture(self):
        return self.page.screenshot()

    def inside(self, script, *arguments):
        """Run it in the page's first frame."""
        text = f"list => (function () {{ {script} }}).apply(null, list)"
        return self.page.frames[1].evaluate(text, list(arguments))

    def printed(self, address, file):
        self.page.goto(address)
        self.page.pdf(path=file, format="A4")

    def said(self):
        return list(self.messages)

    def close(self):
        self.page.close()


class Firefox:
    name = "firefox"
    # What stands in its console and is not the page's: MathML that has arrived by half, and what
    # the theme does everywhere.
    OURS = "[JavaScript "
    QUIET = ("Incorrect number of children", "Empty string passed to getElementById")

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.marionette = Marionette(
            bin=browser.firefox(), headless=True, port=free_port(),
            prefs={"layout.css.devPixelsPerPx": "1"},
            gecko_log=str(Path(self.folder.name, "log")),
            app_args=["--remote-allow-system-access"],  # for what its console says
        )  # fmt: skip
        self.marionette.start_session()
        width, height = SIZE
        inner = self.run("return [outerWidth - innerWidth, outerHeight - innerHeight]")
        self.marionette.set_window_rect(width=width + inner[0], height=height + inner[1])

    def visit(self, address):
        with self.marionette.using_context("chrome"):
            self.marionette.execute_script("Services.console.reset()")
        self.address = address
        self.marionette.navigate(address)

    def run(self, script, *arguments):
        return self.marionette.execute_script(script, list(arguments), sandbox=None)

    def press(self, *keys):
        for key in keys:
            press(ActionSequence(self.marionette, "key", "keys"), FirefoxKeys, key)

    def drag(self, start, end):
        mouse = ActionSequence(self.marionette, "pointer", "mouse", {"pointerType": "mouse"})
        mouse.pointer_move(*map(round, start)).pointer_down()
        mouse.pointer_move(*map(round, end), duration=100).pointer_up().perform()

    def picture(self):
        return self.marionette.screenshot(format="binary", full=False)

    def inside(self, script, *arguments):
        self.marionette.switch_to_frame(self.marionette.find_element("tag name", "iframe"))
        found = self.run(script, *arguments)
        self.marionette.switch_to_frame()
        return found

    def printed(self, address, file):
        self.marionette.navigate(address)
        paper = {"page": {"width": 21.0, "height": 29.7}}  # cm
        # Marionette's own client has no name for it.
        pdf = self.marionette._send_message("WebDriver:Print", paper, key="value")
        Path(file).write_bytes(base64.b64decode(pdf))

    def said(self):
        with self.marionette.using_context("chrome"):
            found = self.marionette.execute_script(
                "return Services.console.getMessageArray().map(String)"
            )
        page = self.address.partition("#")[0].partition("?")[0].rpartition("/")[0]
        return [
            line for line in found if line.startswith(self.OURS) and page in line
            and not any(quiet in line for quiet in self.QUIET)
        ]  # fmt: skip

    def close(self):
        self.marionette.quit()
        self.marionette = None
        gc.collect()  # its profile wants to be removed before Python ends
        self.folder.cleanup()


class WebKit:
    name = "webkit"

    def __init__(self):
        self.screen = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1400x1100x24", "-nolisten", "tcp"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        display = f":{self.screen.stdout.readline().decode().strip()}"
        settings = {"DISPLAY": display, "GDK_BACKEND": "x11", "LIBGL_ALWAYS_SOFTWARE": "1"}
        self.environment = {**os.environ, **settings}
        self.log = tempfile.NamedTemporaryFile("r", suffix=".log", encoding="utf-8")
        driver, view = browser.webkit()
        options = Options()
        options.binary_location = view
        options.add_argument("--automation")
        options.add_argument("--enable-write-console-messages-to-stdout=true")
        service = Service(driver, log_output=self.log.name, env=self.environment)
        self.driver = WebKitGTK(options=options, service=service)
        width, height = SIZE
        self.driver.set_window_size(width, height)
        inner = self.run("return [outerWidth - innerWidth, outerHeight - innerHeight]")
        self.driver.set_window_size(width + inner[0], height + inner[1])

    def visit(self, address):
        self.start = os.path.getsize(self.log.name)
        self.driver.get(address)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def press(self, *keys):
        for key in keys:
            press(ActionChains(self.driver), Keys, key)

    def drag(self, start, end):
        mouse = ActionChains(self.driver, duration=50)
        mouse.w3c_actions.pointer_action.move_to_location(*map(round, start))
        mouse.w3c_actions.pointer_action.pointer_down()
        mouse.w3c_actions.pointer_action.move_to_location(*map(round, end))
        mouse.w3c_actions.pointer_action.pointer_up()
        mouse.perform()

    def picture(self):
        self.run(FLICKER)
        return self.driver.get_screenshot_as_png()

    def inside(self, script, *arguments):
        self.driver.switch_to.frame(0)
        found = self.run(script, *arguments)
        self.driver.switch_to.default_content()
        return found

    def printed(self, address, file):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
            subprocess.run(
                [sys.executable, Path(__file__).with_name("print_webkit.py"), address, file],
                env={**self.environment, "XDG_CACHE_HOME": cache, "XDG_DATA_HOME": cache},
                check=True, capture_output=True, timeout=120,
            )  # fmt: skip

    def said(self):
        self.log.seek(self.start)
        return [line for line in self.log.read().splitlines() if line.startswith("CONSOLE")]

    def close(self):
        self.driver.quit()
        self.screen.terminate()
        self.screen.wait()
        self.log.close()


def press(actions, keys, name):
    """Press a key, and what is held meanwhile: Control+c."""
    *held, last = name.split("+")
    held = [getattr(keys, modifier.upper()) for modifier in held]
    for modifier in held:
        actions.key_down(modifier)
    actions.send_keys(named(keys, last))
    for modifier in held:
        actions.key_up(modifier)
    actions.perform()


def named(keys, name):
    """A key by Playwright's name for it."""
    constant = re.sub("(?<=[a-z])(?=[A-Z])", "_", name).upper()  # PageUp is PAGE_UP
    return name if len(name) == 1 else getattr(keys, constant)


def until(engine, condition, *arguments, seconds=10):
    """Wait until a condition, the body of a function, holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if engine.run(condition, *arguments):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{engine.name}: after {seconds} s this does not hold: {condition}")
