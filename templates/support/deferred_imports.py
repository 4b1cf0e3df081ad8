"""Imports that wait until something is used of them: most of the start of a small build was libraries it never calls.

FINN+ 1.6.1 imports torch for LayerNorm's Python execution, scipy.special for softmax's and onnxscript (with sympy) for
loops of transformers, wherever it is imported itself; a stand-in becomes the real library at its first use. Brevitas 0.13
imports torch's compiler to ask it whether it is at work.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# What FINN uses in function bodies only. Its onnxscript_helpers derive from classes of onnxscript and wait with it.
OF_FINN = ("torch", "scipy.special", "onnxscript", "finn.util.onnxscript_helpers")

OF_BREVITAS = ("scipy.linalg",)  # for its Hadamard layers


def import_finn_layers() -> None:
    """All of FINN's hardware layers, without `OF_FINN`; with them, as FINN would, where that does not work."""
    before = set(sys.modules)
    try:
        with deferred(OF_FINN):
            _import_finn_layers()
    except Exception:  # another FINN, which does use one of them when it is imported
        for name in set(sys.modules) - before:
            if name.startswith("finn."):
                del sys.modules[name]
        _import_finn_layers()


def _import_finn_layers() -> None:
    for name in ("", ".hls", ".rtl"):
        importlib.import_module(f"finn.custom_op.fpgadataflow{name}")


def import_brevitas() -> None:
    """Brevitas, in a program that compiles nothing: without the compiler it takes a sixth of the time, and of the memory a tenth.

    Brevitas 0.13 takes two functions of `torch._dynamo`: whether it is at work (torch.compiler has the same), and
    `disable`, a decorator that keeps the compiler away from a function.
    """
    import torch

    # Brevitas could compile extensions; that there is no CUDA for them would be told of every program on a processor.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    if "torch._dynamo" in sys.modules:
        importlib.import_module("brevitas.nn")
        return
    # An attribute goes before torch's own __getattr__, which imports the compiler.
    stand_in = ModuleType("torch._dynamo")
    vars(stand_in).update(
        is_compiling=torch.compiler.is_compiling, disable=lambda function: function
    )
    torch._dynamo = stand_in
    try:
        with deferred(OF_BREVITAS):
            importlib.import_module("brevitas.nn")
    finally:
        if torch.__dict__.get("_dynamo") is stand_in:
            del torch._dynamo


@contextlib.contextmanager
def deferred(libraries: tuple[str, ...]) -> Iterator[None]:
    """Inside, importing one of the installed `libraries` or a part of it gives a stand-in, if it is not there already."""
    finder = _Finder(tuple(name for name in libraries if name not in sys.modules))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        finder.is_open = False
        for name, module in list(sys.modules.items()):
            if isinstance(module, _StandIn) and module._finder is finder:
                del sys.modules[name]


class _Finder(MetaPathFinder, Loader):
    def __init__(self, libraries: tuple[str, ...]) -> None:
        self.is_open = True
        self._libraries = libraries
        self._asked: dict[str, bool] = {}

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        del path, target
        library = next((it for it in self._libraries if f"{name}.".startswith(f"{it}.")), None)
        if library is None or not self._is_installed(library):
            return None
        return ModuleSpec(name, self, is_package=True)

    def _is_installed(self, library: str) -> bool:
        """Else the import fails now, with the usual words."""
        if library not in self._asked:
            self._asked[library] = True  # while we look: the finder is asked again
            sys.meta_path.remove(self)
            try:
                self._asked[library] = importlib.util.find_spec(library) is not None
            finally:
                sys.meta_path.insert(0, self)
        return self._asked[library]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name, self)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: that is the point."""


class _StandIn(ModuleType):
    """A module, or a name in one, that is not looked up before the imports are over."""

    def __init__(self, name: str, finder: _Finder) -> None:
        super().__init__(name)
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._finder.is_open:
            return _StandIn(f"{self.__name__}.{name}", self._finder)
        return getattr(_real(self.__name__), name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self._finder.is_open:
            raise ImportError(f"{self.__name__} is called while its importer is imported")
        function: Callable[..., Any] = _real(self.__name__)
        return function(*args, **options)


def _real(name: str) -> Any:
    """A module, or what a module holds."""
    owner, _, last = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name or not owner:
            raise
    return getattr(_real(owner), last)
