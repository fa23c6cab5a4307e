"""Compilers that are none, or fail in their own ways: the NumPy rules serve, and a word says why.

Each is a script with the name of a compiler, in a folder that is all of the PATH.
"""

import time
from pathlib import Path

import pytest

from running import ends
from tinygrad_mo import platforms
from tinygrad_mo.compiled import library

pytestmark = pytest.mark.skipif(
    platforms.SYSTEM == platforms.WINDOWS, reason="the scripts are for a Unix shell"
)

SHELL = "/bin/sh"
FAKES = {
    "crashes": ("kill -SEGV $$", "cc failed: exit code -11"),
    "speaks to standard output": (
        "echo 'c.c(1): fatal error C1083: no'; exit 2",
        "error C1083: no",
    ),
    "complains in bytes": (r"printf 'falsch: \344\n' >&2; exit 1", "cc failed: falsch: \ufffd"),
    "writes nothing": ("exit 0", "cc wrote nothing"),
    "writes no library": (
        "for last; do :; done; echo text > kernels.so",
        "invalid ELF|file too short",
    ),
    "is no program": (None, "Exec format error"),
}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make a program of a name; others are not found. Kernels are kept in a folder of their own."""
    folder = tmp_path / "with a space, größe"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("TINYGRAD_MO_CACHE", str(tmp_path / "cache"))

    def make(name, script):
        program = folder / name
        text = "no script" if script is None else f"#!{SHELL}\nPATH=/usr/bin:/bin\n{script}\n"
        program.write_text(text, "utf-8")
        program.chmod(0o755)
        return program

    return make


def why_not():
    found, why = library.load.__wrapped__()
    assert found is None
    return why


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("kind", FAKES)
def test_a_compiler_that_fails_in_its_own_way(programs, kind, tmp_path):
    script, reason = FAKES[kind]
    programs("cc", script)
    why = why_not()
    assert any(one in why for one in reason.split("|"))
    left = [one.name for one in (tmp_path / "cache").iterdir() if one.suffix != ".so"]
    assert left == [], "what was begun is taken away"


@pytest.mark.medium
def test_a_compiler_that_waits_for_something_is_ended_with_all_it_has_started(
    programs, monkeypatch, tmp_path
):
    started = tmp_path / "started"
    programs("cc", f"sleep 600 & echo $! >> '{started}'; wait")
    monkeypatch.setattr(library, "LIMIT", 0.3)
    begin = time.perf_counter()
    assert "takes more than 0.3 seconds" in why_not()
    assert time.perf_counter() - begin < 30
    assert all(map(ends, started.read_text("utf-8").split()))


def test_no_compiler_at_all(programs):
    assert why_not() == "no C compiler found (cc, gcc, clang)"


@pytest.mark.parametrize("name", ["cl", "cl.exe", "clang-cl"])
def test_the_compiler_of_microsoft_has_no_vectors(programs, monkeypatch, name):
    program = programs(name, "echo 'Microsoft (R) C/C++ Optimizing Compiler'; exit 2")
    assert "no C compiler found" in why_not(), "it is not looked for"
    monkeypatch.setenv("CC", str(program))
    assert "gcc or clang is needed" in why_not()


def test_the_next_one_is_asked_where_the_first_is_none(programs, monkeypatch):
    clang = programs("clang", "exit 0")
    gcc = programs("gcc", "exit 0")
    monkeypatch.setattr(platforms, "why_no_compiler", lambda path: "no" * path.endswith("gcc"))
    assert library.find_compiler() == [str(clang)]
    gcc.unlink()
    assert library.find_compiler() == [str(clang)]


@pytest.mark.medium
@pytest.mark.parametrize("tools", [None, "exit 2", "sleep 600", "echo /Library/Developer"])
def test_what_stands_in_for_a_compiler_on_macos_is_not_run(macos, programs, monkeypatch, tools):
    """It would open a window. `xcode-select -p` says without one whether there is a compiler."""
    run, limit = platforms.subprocess.run, 0.2
    monkeypatch.setattr(
        platforms.subprocess, "run", lambda *a, **k: run(*a, **{**k, "timeout": limit})
    )
    if tools:
        programs("xcode-select", tools)
    why = platforms.why_no_compiler("/usr/bin/cc")
    is_there = tools is not None and tools.startswith("echo")
    assert why == ("" if is_there else "no C compiler found: xcode-select --install installs one")
    assert platforms.why_no_compiler("/opt/homebrew/bin/gcc-15") == ""


def test_a_command_may_have_options_and_a_path_spaces(programs, monkeypatch):
    program = programs("my gcc", "exit 0")
    for command, options in ((str(program), []), (f"'{program}' -m64", ["-m64"])):
        monkeypatch.setenv("CC", command)
        assert library.find_compiler() == [str(program), *options]


def test_a_command_of_windows(windows):
    words = platforms.words_of
    assert words(r"C:\mingw64\bin\gcc.exe -m64") == [r"C:\mingw64\bin\gcc.exe", "-m64"]
    assert words(r'"C:\Program Files\LLVM\bin\clang.exe" -v')[0] == (
        r"C:\Program Files\LLVM\bin\clang.exe"
    )
    assert "gcc or clang" in platforms.why_no_compiler(r"C:\VC\bin\CL.EXE")


@pytest.mark.parametrize(
    ("system", "machine", "compiling", "linking", "name"),
    [
        ("linux", "x86_64", ["-march=native", "-fPIC"], ["-lm"], "a.so"),
        ("darwin", "arm64", ["-fPIC"], ["-lm"], "a.dylib"),
        ("darwin", "x86_64", ["-march=native", "-fPIC"], ["-lm"], "a.dylib"),
        ("win32", "AMD64", ["-march=native", "-mno-avx"], [], "a.dll"),
        ("win32", "ARM64", [], [], "a.dll"),
    ],
)
def test_what_a_compiler_is_told(monkeypatch, system, machine, compiling, linking, name):
    monkeypatch.setattr(platforms, "SYSTEM", system)
    monkeypatch.setattr(platforms.platform, "machine", lambda: machine)
    assert platforms.compiling() == compiling
    assert platforms.linking() == linking and platforms.library_name("a") == name


@pytest.fixture
def one_small_file(tmp_path, monkeypatch):
    """All that is to be compiled, in a folder with an odd name, as a home folder may have."""
    (tmp_path / "größe 1").mkdir()
    source = tmp_path / "größe 1" / "answer.c"
    source.write_text("int answer(void) { return 42; }\n", "utf-8")
    monkeypatch.setattr(library, "find_sources", lambda: [source])
    monkeypatch.setattr(library, "FLAGS", ["-O0"])
    monkeypatch.setenv("TINYGRAD_MO_CACHE", str(tmp_path / "größe 1" / "cache"))


def is_there():
    try:
        return bool(library.find_compiler())
    except library.Missing:
        return False


needs_compiler = pytest.mark.skipif(not is_there(), reason="there is no C compiler here")


@pytest.mark.slow
@needs_compiler
def test_a_compiler_sees_no_path_of_ours(one_small_file, monkeypatch):
    """Neither that of the home folder nor that of the package: some cannot read all letters."""
    seen, popen = [], library.Popen
    monkeypatch.setattr(
        library, "Popen", lambda command, **more: seen.extend(command) or popen(command, **more)
    )
    found, path = library.load.__wrapped__()
    assert found.answer() == 42 and "größe 1" in path
    assert all(word.isascii() for word in seen) and "answer.c" in seen


@pytest.mark.slow
@needs_compiler
def test_a_library_that_another_process_has_loaded_is_taken_as_it_is(one_small_file, monkeypatch):
    """Windows refuses to replace it. Two that are built alike have one name, and equal bytes."""
    _, path = library.load.__wrapped__()

    def refuse(*paths):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(library.os, "replace", refuse)
    folder, name = library.cache_folder(), Path(path).name.rpartition("-")[0]
    again = library.build(library.find_sources(), library.find_compiler(), folder, name)
    assert again == Path(path)
    Path(path).unlink()
    found, why = library.load.__wrapped__()
    assert found is None and "Access is denied" in why
    assert list(folder.iterdir()) == []
