"""`rq-mon-web`, or `python -m rq_mon.web`: serve the job pages."""

from __future__ import annotations

from rq_mon.environment.variables import variables_in
from rq_mon.launch import command_line, extra_needed
from rq_mon.settings import settings_of
from rq_mon.web.settings import WebSettings

COMMAND = "rq-mon-web"
ABOUT = "Serve the job pages: which jobs failed and why, with buttons to run them again, delete or stop them."


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    command_line(COMMAND, ABOUT, (*settings_of("web"), *variables_in(WebSettings).values())).parse_args()
    with extra_needed(COMMAND, "web"):
        from rq_mon.web.process import serve
    serve()


if __name__ == "__main__":
    main()
