"""Runs recorded programs one after the other, each in a process of its own.

Reads `start PATH` and `stop` from standard input and answers each with one line: how the start went, or `stopped`.
"""

import importlib.util
import logging
import os
import signal
import sys

PORT = int(sys.argv[1])
HOST = "127.0.0.1"

# Importing once makes the forks cheap; what is not installed is not needed.
for name in ("flask", "flask_cors", "flask_restful", "flask_restx", "werkzeug.serving", "django", "fastapi", "uvicorn"):
    try:
        __import__(name)
    except ImportError:
        pass


class Warnings(logging.Handler):
    """Keeps what a program logs while it starts."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        if record.getMessage() not in self.lines:
            self.lines.append(record.getMessage())


def serve(path, say):
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    # Django programs name this module as the one with their routes.
    name = "case_app" if "case_app" in open(path, encoding="utf-8").read() else "app"
    try:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except BaseException as error:
        first = str(error).split("\n")[0]
        say(f"throws {type(error).__name__}: {first}")
        return
    app = module.app
    startup = "ok, warns: " + "; ".join(warnings.lines) if warnings.lines else "ok"
    if hasattr(app, "wsgi_app"):
        from werkzeug.serving import make_server

        server = make_server(HOST, PORT, app, threaded=True)
        say(startup)
        server.serve_forever()
    else:
        import uvicorn

        class Server(uvicorn.Server):
            async def startup(self, sockets=None):
                await super().startup(sockets)
                say(startup)

        Server(uvicorn.Config(app, host=HOST, port=PORT, log_level="critical")).run()


def start(path):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(null, number)

        def say(line):
            os.write(writing, line.replace("\n", " ").encode() + b"\n")
            os.close(writing)

        try:
            serve(path, say)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        line = answer.readline().rstrip("\n")
    return child, line or "exits"


def stop(child):
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


running = None
for command in sys.stdin:
    verb, _, path = command.rstrip("\n").partition(" ")
    if verb == "start":
        running, line = start(path)
        if not line.startswith("ok"):
            stop(running)
            running = None
    else:
        stop(running)
        running = None
        line = "stopped"
    print(line, flush=True)
stop(running)
