"""What the shell completes: the real command, asked as zsh and bash ask it."""

from __future__ import annotations

import pytest

from .conftest import Running, Site


def in_zsh(site: Site, line: str) -> list[str]:
    """Return what zsh would be offered for a line that ends where the cursor is."""
    done = site.run(
        site.command("call")[:-1], env={"_RTVI_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"rtvi {line}"}
    )
    assert "Traceback" not in done.stderr
    return [part for part in done.stdout.split('"') if part.strip() and "\n" not in part and "_arguments" not in part]


def in_bash(site: Site, words: str, current: int) -> list[str]:
    """Return what bash would be offered; `words` are parted as bash parts them."""
    env = {"_RTVI_COMPLETE": "complete_bash", "COMP_WORDS": f"rtvi {words}", "COMP_CWORD": str(current)}
    done = site.run(site.command("call")[:-1], env=env)
    assert "Traceback" not in done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("call {at} kitchen.e", ["kitchen.echo_back"]),
        ("call {at} pi", ["ping"]),
        ("call {at} kitchen.echo_back ", ["whole=", "list=", "flag=", "any="]),
        ("call {at} kitchen.echo_back flag=", ["flag=true", "flag=false"]),
        ("call {at} kitchen.echo_back flag=true l", ["list="]),
        ("call {at} --set kitchen.m", ["kitchen.mode="]),
        ("call {at} --set kitchen.mode=", ["kitchen.mode=gas", "kitchen.mode=steam"]),
        ("call {at} --set kitchen.p", []),  # the hidden pin
    ],
)
def test_zsh(shared: Site, bot: Running, line: str, words: list[str]) -> None:
    found = in_zsh(shared, line.format(at=bot.address))
    assert (found == words) if words else ("kitchen.pin=" not in found)


@pytest.mark.parametrize(
    ("words", "current", "offered"),
    [
        ("call : {port} kitchen.e", 4, ["kitchen.echo_back"]),
        ("call 127.0.0.1 : {port} kitchen.e", 5, ["kitchen.echo_back"]),
        ("call http : //127.0.0.1 : {port} kitchen.e", 7, ["kitchen.echo_back"]),
        ("call localhost : {port} kitchen.echo_back flag = t", 8, ["true"]),
        ("call : {port} kitchen.echo_back flag =", 6, ["true", "false"]),
        ("call : {port} --set kitchen.mode = s", 7, ["steam"]),
    ],
)
def test_bash(shared: Site, bot: Running, words: str, current: int, offered: list[str]) -> None:
    port = bot.address.rpartition(":")[2]
    assert in_bash(shared, words.format(port=port), current) == offered


def test_a_bot_that_is_not_there_completes_nothing(shared: Site) -> None:
    assert in_bash(shared, "call : 9 kitchen.e", 4) == []
