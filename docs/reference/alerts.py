"""docs/operate/alerts.md: every alert, what it says and when it fires."""

from __future__ import annotations

import re
from typing import Any

from docs.reference.markdown import GENERATED, code, table
from docs.reference.rules import RuleFile, rule_files

TEXT = """{generated}
# Alerts

For operators who want to know which alerts there are, and when exactly they fire.

The alerts come from the files in [`prometheus/rules/`](../../prometheus/rules). Each has a
[runbook](../runbooks/README.md) that says what to do. Thresholds that differ by queue are in
[`objectives.yml`](../../objectives.yml). Prometheus fills in `{{{{ … }}}}` when the alert fires.

{overview}
{files}## Next

- An alert fires: open [its runbook](../runbooks/README.md).
- Send alerts to your team: [who is notified](../runbooks/README.md#who-is-notified).
- Add an alert: [the recipe](../../CONTRIBUTING.md#add-an-alert).
"""

FILE = """## {title}

{about}

{alerts}"""

ALERT = """### {name}, {severity}

**{summary}.** {description}

Fires {when}; runbook: [{name}](../runbooks/{name}.md).

```promql
{expression}
```

"""


ASKED = re.compile(r"\{\{ with printf .*?\}\}(.*?)\{\{ \. \| first \| (label|value).*?\}\}(.*?)\{\{ end \}\}")
"""The query of a template when the alert fires: the queue's objective, or the function."""
LONG_JOB = re.compile(r"\{\{ with printf `rq_worker_long_job_info.*?\{\{ else \}\}.*?\{\{ end \}\}")
"""And the job that a worker works on, if its exporter names it."""


def alerts_page() -> str:
    files = [file for file in rule_files() if file.alerts()]
    overview = table(
        ("alert", "severity", "fires after", "watches"),
        (
            (f"[{rule['alert']}](#{_anchor(rule)})", _severity(rule), _for(rule), file.name)
            for file in files
            for rule in file.alerts()
        ),
    )
    return TEXT.format(generated=GENERATED, overview=overview, files="".join(map(_section, files)))


def _section(file: RuleFile) -> str:
    return FILE.format(
        title=file.name.replace("-", " ").capitalize(),
        about=file.about,
        alerts="".join(map(_alert, file.alerts())),
    )


def _in_words(asked: re.Match[str]) -> str:
    what = "objective" if asked[2] == "value" else "function"
    return f"{asked[1]}{{{{ {what} }}}}{asked[3]}"


def _alert(rule: dict[str, Any]) -> str:
    lasting = _for(rule)
    description = LONG_JOB.sub("{{ function }} (job {{ job_id }})", rule["annotations"]["description"])
    return ALERT.format(
        name=rule["alert"],
        severity=_severity(rule),
        summary=rule["annotations"]["summary"],
        description=ASKED.sub(_in_words, description),
        when="at once" if lasting == "0s" else f"when this holds for {code(lasting)}",
        expression=rule["expr"].rstrip(),
    )


def _severity(rule: dict[str, Any]) -> str:
    return str(rule["labels"]["severity"])


def _for(rule: dict[str, Any]) -> str:
    return str(rule.get("for", "0s"))


def _anchor(rule: dict[str, Any]) -> str:
    """The name that a reader of Markdown gives to the alert's heading."""
    return re.sub(r"[^\w-]", "", f"{rule['alert']}, {_severity(rule)}".lower().replace(" ", "-"))
