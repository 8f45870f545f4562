"""Print a page by WebKit, whose driver cannot: python print_webkit.py ADDRESS FILE, on some screen.

It asks the library that WebKit's driver comes with, by its C functions: nothing else that Debian or
PyPI have in a wheel speaks to it.
"""

import ctypes
import sys

POINTER = ctypes.c_void_p
FINISHED = 3  # what `load-changed` says of a page that has come
gtk, webkit = ctypes.CDLL("libgtk-3.so.0"), ctypes.CDLL("libwebkit2gtk-4.1.so.0")
glib, gobject = ctypes.CDLL("libglib-2.0.so.0"), ctypes.CDLL("libgobject-2.0.so.0")
kept = []  # functions that C calls


def made(library, name, *arguments):
    """What a function returns: an object."""
    function = getattr(library, name)
    function.restype = POINTER
    return POINTER(function(*arguments))


def called(kind, function):
    kept.append(kind(function))
    return kept[-1]


def when(thing, signal, function, arguments):
    kind = ctypes.CFUNCTYPE(None, *[POINTER] * arguments)
    gobject.g_signal_connect_data(thing, signal, called(kind, function), None, None, 0)


def main(address, file):
    gtk.gtk_init(None, None)
    window, view = made(gtk, "gtk_window_new", 0), made(webkit, "webkit_web_view_new")
    gtk.gtk_container_add(window, view)
    gtk.gtk_widget_show_all(window)

    def put_on_paper(_):
        settings = made(gtk, "gtk_print_settings_new")
        paper = made(gtk, "gtk_paper_size_new", b"iso_a4")
        gtk.gtk_print_settings_set_paper_size(settings, paper)
        for name, value in {
            b"printer": b"Print to File", b"output-file-format": b"pdf",
            b"output-uri": f"file://{file}".encode(),
        }.items():  # fmt: skip
            gtk.gtk_print_settings_set(settings, name, value)
        operation = made(webkit, "webkit_print_operation_new", view)
        webkit.webkit_print_operation_set_print_settings(operation, settings)
        when(operation, b"finished", lambda *_: gtk.gtk_main_quit(), 2)
        webkit.webkit_print_operation_print(operation)
        return 0

    def changed(_, event, __):
        if event == FINISHED:  # and a moment for its scripts
            later = called(ctypes.CFUNCTYPE(ctypes.c_int, POINTER), put_on_paper)
            glib.g_timeout_add(500, later, None)

    when(view, b"load-changed", changed, 3)
    webkit.webkit_web_view_load_uri(view, address.encode())
    gtk.gtk_main()


if __name__ == "__main__":
    main(*sys.argv[1:])
