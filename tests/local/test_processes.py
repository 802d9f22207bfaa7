"""Children become ready, or say why not, and end with their parent."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from local.processes import ROOT, ChildFailedError, Processes

READY = "import time; print('{\"port\": 1}', flush=True); time.sleep(60)"


def is_gone(pid: int) -> bool:
    """Return whether the process has ended; a zombie counts as ended."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that says it is ready and then waits."""
    (tmp_path / "waits.py").write_text(READY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "waits"


def test_a_module_says_in_one_line_of_json_that_it_is_ready(logs: Path, module: str) -> None:
    with Processes(logs) as processes:
        child, ready = processes.start_module(module)
        assert ready == {"port": 1}
        assert child.is_running
    assert is_gone(child.pid)


def test_children_stop_last_first(logs: Path) -> None:
    note = logs.parent / "stopped"
    noting = textwrap.dedent("""
        import pathlib, signal, sys
        def stop(*_):
            with pathlib.Path(sys.argv[1]).open("a") as note: note.write(sys.argv[2])
            sys.exit()
        signal.signal(signal.SIGTERM, stop)
        print("{}", flush=True)
        signal.pause()
    """)
    with Processes(logs) as processes:
        for name in ("a", "b"):
            child = processes.start(name, [sys.executable, "-c", noting, str(note), name])
            child.wait_until(lambda output: output or None)
    assert note.read_text() == "ba"


def test_a_child_that_ignores_sigterm_is_killed(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.processes.STOP_PATIENCE", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); signal.pause()"
    with Processes(logs) as processes:
        child = processes.start("deaf", [sys.executable, "-c", deaf])
        child.wait_until(lambda output: output or None)
    assert is_gone(child.pid)


def test_a_child_that_fails_to_start_shows_its_log(logs: Path) -> None:
    with Processes(logs) as processes, pytest.raises(ChildFailedError, match="No module named") as failure:
        processes.start_module("no_such_module")
    assert "ended with 1" in str(failure.value)


def test_children_stop_when_the_block_fails(logs: Path, module: str) -> None:
    children: list[int] = []

    def fail_with_a_child() -> None:
        with Processes(logs) as processes:
            children.append(processes.start_module(module)[0].pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_with_a_child()
    assert is_gone(children[0])


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_children_die_with_their_parent(logs: Path, module: str, sent: signal.Signals) -> None:
    program = textwrap.dedent(f"""
        import pathlib, time
        from local.azurite import start_azurite
        from local.processes import Processes
        with Processes(pathlib.Path({str(logs)!r})) as processes:
            print(processes.start_module({module!r})[0].pid, start_azurite(processes).process.pid, flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        parent.send_signal(sent)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
