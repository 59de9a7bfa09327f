"""Whatever the environment and `.env` contain: valid settings, or an error that names the variable."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from rq_mon.environment.variables import variables_in
from rq_mon.settings import Settings, SettingsError
from stack.runtime import StackError
from stack.settings import load_settings
from stack.variables import VARIABLES
from tests.fuzz.tried import throw

SCHEDULER_VARIABLES = [variable.name for variable in variables_in(Settings).values()]
STACK_VARIABLES = [variable.name for variable in VARIABLES]

# An environment cannot contain NUL.
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
values = st.one_of(
    text,
    st.integers().map(str),
    st.from_regex(r"\A(redis|rediss|unix|redis\+sentinel|http)://[^\s\0]{0,30}\Z"),
    st.sampled_from(
        ["UTC", "../../etc/passwd", "/etc", "/dev/null", "١٢", "1e3", "0x10", "-0", "256mb", "1w"]
    ),
)


@throw("settings", 400, variable=st.sampled_from(SCHEDULER_VARIABLES), value=values)
def test_a_setting_is_used_or_refused_by_its_name(variable: str, value: str) -> None:
    try:
        settings = Settings.from_environment({variable: value})
    except SettingsError as error:
        # A certificate's error may be about the URL, which must use TLS.
        assert variable in str(error)  # noqa: PT017 - most inputs raise nothing
        assert ": expected " in str(error)  # noqa: PT017
    else:
        assert settings == Settings() or value.strip()


@throw("settings", 400, variable=st.sampled_from(STACK_VARIABLES), value=values)
def test_a_setting_of_the_stack_is_used_or_refused_by_its_name(variable: str, value: str) -> None:
    try:
        load_settings({variable: value}, Path("no such file"))
    except StackError as error:
        assert variable in str(error)  # noqa: PT017


@throw("settings", 300, content=st.one_of(st.binary(max_size=200), text.map(lambda value: value.encode())))
def test_a_dotenv_of_any_bytes_is_read_or_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)

    try:
        load_settings({}, file)
    except StackError as error:
        assert str(error)  # noqa: PT017
