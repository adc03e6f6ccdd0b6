"""Discovery of installed plugins: every fault is found, none takes another plugin down."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from rtvi_plugins import responders
from rtvi_plugins.errors import Problem
from rtvi_plugins.handlers import Handlers
from rtvi_plugins.hooks.hookspecs import hookimpl
from rtvi_plugins.hooks.host import PluginHost

if TYPE_CHECKING:
    from tests.hooks.conftest import Site


def discover(*names: str) -> PluginHost:
    return PluginHost.discover(only=names)


def slugs(host: PluginHost) -> list[str]:
    return [problem.slug for problem in host.problems]


def test_sound_plugin(site: Site) -> None:
    module = site.install("parrot", site.sound, version="2.1")
    host = discover("parrot")
    (plugin,) = host.plugins
    assert host.problems == ()
    assert (plugin.name, plugin.distribution, plugin.version) == ("parrot", "rtvi-plugin-parrot", "2.1")
    assert plugin.value == module
    assert plugin.location.path == str(site.folder / f"{module}.py")
    assert plugin.hooks == ("rtvi_handlers",)
    assert [(p, h.title) for p, h in host.handlers()] == [(plugin, "action parrot.say")]


def test_entry_point_may_name_an_object(site: Site) -> None:
    code = """
        from rtvi_plugins.hooks.hookspecs import hookimpl

        class Plugin:
            @property
            def rtvi_handlers(self):
                raise AssertionError("a property is no hook")

            @hookimpl
            def rtvi_session_started(self, processor):
                return None

        plugin = Plugin()
    """
    entry_points = "[rtvi_plugins]\nodd = rtvi_plugin_odd_object:plugin\n"
    site.install("odd", None, entry_points=entry_points, files={"rtvi_plugin_odd_object.py": code})
    (plugin,) = discover("odd").plugins
    assert plugin.problems == ()
    assert plugin.hooks == ("rtvi_session_started",)
    assert plugin.location.path.endswith("rtvi_plugin_odd_object.py")


BROKEN = {
    "raises at import": ("x = 1\nraise ValueError('no\\nkey')", 2, "ValueError: no key"),
    "syntax error": ("x = 1\ndef f(:\n", 2, "SyntaxError: "),
    "missing import": (
        "\n\nimport rtvi_plugin_nothing_like_it\n",
        3,
        "ModuleNotFoundError: No module named 'rtvi_plugin_",
    ),
    "SystemExit": ("raise SystemExit(3)", 1, "SystemExit: 3"),
    "own BaseException": ("class Stop(BaseException): ...\nraise Stop", 2, "Stop"),
    "exception that cannot be shown": (
        "class Bad(Exception):\n    def __str__(self):\n        raise KeyError\nraise Bad",
        4,
        "Bad",
    ),
    "very long text": ("raise ValueError('y' * 5000)", 1, f"ValueError: {'y' * 299}…"),
}


@pytest.mark.parametrize(("code", "line", "said"), BROKEN.values(), ids=BROKEN)
def test_failing_import(site: Site, code: str, line: int, said: str) -> None:
    module = site.install("bad", code)
    site.install("parrot", site.sound)
    host = discover("bad", "parrot")
    (problem,) = host.problems
    assert problem.slug == "broken-plugin"
    assert (problem.location.path, problem.location.line) == (str(site.folder / f"{module}.py"), line)
    assert problem.text.startswith(f"plugin 'bad' (rtvi-plugin-bad 1.0): cannot load '{module}': {said}")
    assert "\n" not in problem.render()
    assert [p.name for p in host.plugins if not p.problems] == ["parrot"]
    assert len(host.handlers()) == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("rtvi_plugin_absent", "ModuleNotFoundError"),
        ("rtvi_plugins.errors:nothing", "AttributeError"),
        ("not-a-module!", "ValueError"),
    ],
)
def test_entry_point_that_leads_nowhere(site: Site, value: str, said: str) -> None:
    site.install("bad", None, entry_points=f"[rtvi_plugins]\nbad = {value}\n")
    (problem,) = discover("bad").problems
    assert problem.slug == "broken-plugin"
    assert problem.location.path == ""
    assert "rtvi-plugin-bad 1.0" in problem.text
    assert said in problem.text


def test_a_signal_ends_the_start_and_names_the_plugin(site: Site) -> None:
    module = site.install("bad", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(60)")
    with pytest.raises(KeyboardInterrupt) as caught:
        discover("bad")
    assert str(caught.value) == (
        f"interrupted while plugin 'bad' (rtvi-plugin-bad 1.0) was at work: importing '{module}'"
    )
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_plugin_that_swallows_the_signal_ends_the_start_all_the_same(site: Site) -> None:
    code = """
        import os, signal, time
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        except BaseException:
            pass
        """
    site.install("bad", code)
    with pytest.raises(KeyboardInterrupt, match="plugin 'bad'"):
        discover("bad")


ODD = """
class Odd:
    def __dir__(self):
        raise {raised}
odd = Odd()
"""
ENDS = [
    "KeyboardInterrupt",
    "SystemExit(3)",
    "GeneratorExit",
    "BaseExceptionGroup('x', [KeyboardInterrupt()])",
    "BaseException",
]


@pytest.mark.parametrize("raised", ENDS)
@pytest.mark.parametrize("where", ["module", "hook", "attribute"])
def test_whatever_a_plugin_raises_is_its_own_problem(site: Site, raised: str, where: str) -> None:
    code = {
        "module": f"raise {raised}\n",
        "hook": f"from rtvi_plugins import hookimpl\n@hookimpl\ndef rtvi_handlers():\n    raise {raised}\n",
        "attribute": ODD.format(raised=raised),
    }[where]
    module = site.install("bad", code)
    if where == "attribute":
        (info,) = site.folder.glob("*.dist-info")
        (info / "entry_points.txt").write_text(f"[rtvi_plugins]\nbad = {module}:odd\n")
    site.install("good", site.sound)
    host = discover("bad", "good")
    (problem,) = host.problems
    assert problem.slug == "broken-plugin"
    assert raised.partition("(")[0] in problem.text
    assert [handler.name for _, handler in host.handlers()] == ["say"]


HOOK_FAILURES = {
    "raises": "raise RuntimeError('boom')",
    "exits": "raise SystemExit",
    "generator fails half-way": "yield parrot; raise RuntimeError('boom')",
}


@pytest.mark.parametrize("body", HOOK_FAILURES.values(), ids=HOOK_FAILURES)
def test_exception_in_a_hook_drops_the_plugin(site: Site, body: str) -> None:
    module = site.install("bad", site.sound.replace("return [parrot]", body) + MIDDLEWARE)
    host = discover("bad")
    (problem,) = host.problems
    assert problem.slug == "broken-plugin"
    assert problem.location.path == str(site.folder / f"{module}.py")
    assert "hook 'rtvi_handlers' failed: " in problem.text
    assert (site.folder / f"{module}.py").read_text().splitlines()[problem.location.line - 1].strip() == body
    assert host.handlers() == ()
    assert host.middleware() == ()


MIDDLEWARE = """
    async def audit(call, call_next):
        return await call_next(call)

    @hookimpl
    def rtvi_middleware():
        return [audit]
"""


UNKNOWN = """
    from rtvi_plugins.errors import sort_problems as rtvi_from_elsewhere
    from rtvi_plugins.hooks.hookspecs import hookimpl

    @hookimpl
    def rtvi_handler():
        return []

    @hookimpl
    def something_else():
        return []

    def rtvi_responder():
        return {}

    def rtvi_stages():
        return {}

    @hookimpl(optionalhook=True)
    def rtvi_of_the_future():
        return {}

    def helper():
        return {}
"""


def test_every_unknown_hook_is_reported_at_its_place(site: Site) -> None:
    site.install("odd", UNKNOWN)
    host = discover("odd")
    assert [(p.slug, p.location.line, p.text.partition(": ")[2], p.hint) for p in host.problems] == [
        ("unknown-hook", 5, "there is no hook 'rtvi_handler'", "did you mean 'rtvi_handlers'?"),
        ("unknown-hook", 9, "there is no hook 'something_else'", ""),
        ("unknown-hook", 13, "'rtvi_responder' is not a hook", "did you mean 'rtvi_responders'?"),
        ("unknown-hook", 16, "'rtvi_stages' is not a hook", "put @hookimpl on it"),
    ]


def test_order_is_by_name_after_what_was_passed_in(site: Site) -> None:
    for name in ("delta", "alpha", "charlie"):
        site.install(name, site.sound.replace('"parrot"', f'"{name}"'))
    bravo = Handlers("bravo")
    bravo.action("say")(len)
    host = PluginHost.discover(
        {"bravo": SimpleNamespace(rtvi_handlers=hookimpl(lambda: [bravo]))}, only=["alpha", "charlie", "delta"]
    )
    assert [p.name for p in host.plugins] == ["bravo", "alpha", "charlie", "delta"]
    assert [h.service for _, h in host.handlers()] == ["bravo", "alpha", "charlie", "delta"]


def test_tryfirst_and_trylast_move_a_plugin() -> None:
    def plugin(name: str, **options: Any) -> SimpleNamespace:
        handlers = Handlers(name)
        handlers.action("x")(len)
        return SimpleNamespace(rtvi_handlers=hookimpl(**options)(lambda: [handlers]))

    extra = {"a": plugin("a", trylast=True), "b": plugin("b"), "c": plugin("c"), "d": plugin("d", tryfirst=True)}
    host = PluginHost.discover(extra, only=())
    assert [h.service for _, h in host.handlers()] == ["d", "b", "c", "a"]


@pytest.mark.parametrize(("hook", "what"), [("rtvi_manifests", "manifest"), ("rtvi_stages", "stage")])
def test_one_name_supplied_twice(tmp_path: Path, hook: str, what: str) -> None:
    (tmp_path / "guide.yaml").write_text("manifest: 1")
    given = {"guide": tmp_path / "guide.yaml" if what == "manifest" else dict}
    extra = {name: SimpleNamespace(**{hook: hookimpl(lambda: given)}) for name in ("a", "b")}
    host = PluginHost.discover(extra, only=())
    table = host.manifests() if what == "manifest" else host.stages()
    assert [(name, plugin.name, value) for name, (plugin, value) in table.items()] == [("guide", "a", given["guide"])]
    (problem,) = host.problems
    assert problem.slug == "duplicate-plugin"
    assert problem.text.startswith("plugin 'b' (")
    assert f"{what} 'guide' is already supplied by plugin 'a'" in problem.text
    assert problem.location.path == __file__


def test_stages_are_asked_only_on_request_and_once() -> None:
    asked: list[int] = []

    @hookimpl
    def rtvi_stages() -> dict[str, object]:
        asked.append(1)
        raise RuntimeError("no pipecat here")

    host = PluginHost.discover({"a": SimpleNamespace(rtvi_stages=rtvi_stages)}, only=())
    assert (asked, host.problems) == ([], ())
    assert (dict(host.stages()), dict(host.stages())) == ({}, {})
    assert (asked, slugs(host)) == ([1], ["broken-plugin"])
    assert host.plugins[0].problems == host.problems


async def _started(processor: object) -> None:
    del processor


def test_session_hooks_are_called_with_all_parameters_in_order() -> None:
    heard: list[object] = []

    @hookimpl
    def rtvi_session_ended(reason: str, processor: object) -> None:
        heard.append((reason, processor))

    class Short:
        @hookimpl
        def rtvi_session_ended(self, reason: str, extra: int = 7) -> None:
            heard.append((reason, extra))

    function = hookimpl(specname="rtvi_session_started")(_started)
    extra = {"a": SimpleNamespace(rtvi_session_ended=rtvi_session_ended, f=function), "b": Short()}
    host = PluginHost.discover(extra, only=())
    assert host.problems == ()
    started, ended = host.session_hooks()
    assert started == (_started,), "a hook that takes everything is called with nothing in between"
    for call in ended:
        call("the processor", "shutdown")
    assert heard == [("shutdown", "the processor"), ("shutdown", 7)]


def test_built_ins_belong_to_our_own_distribution() -> None:
    (plugin,) = PluginHost.discover({"responders": responders}, only=()).plugins
    assert plugin.distribution == "rtvi-plugins"
    assert plugin.problems == ()


def test_two_names_may_lead_to_one_module() -> None:
    @hookimpl
    def rtvi_handlers() -> list[Handlers]:
        return []

    shared = SimpleNamespace(rtvi_handlers=rtvi_handlers)
    host = PluginHost.discover({"a": shared, "b": shared}, only=())
    assert host.problems == ()
    assert [p.hooks for p in host.plugins] == [("rtvi_handlers",)] * 2


def test_plugin_that_fails_while_it_is_read() -> None:
    class Odd:
        def __dir__(self) -> list[str]:
            raise RuntimeError("not today")

    (problem,) = PluginHost.discover({"a": Odd()}, only=()).problems
    assert isinstance(problem, Problem)
    assert problem.slug == "broken-plugin"
    assert "RuntimeError: not today" in problem.text
