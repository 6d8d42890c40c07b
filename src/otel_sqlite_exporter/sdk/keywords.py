# SPDX-License-Identifier: Apache-2.0
"""Shows the keywords of a class that takes settings in its signature and docstring: for `help()`, and for editors that
run the code. (Type checkers read the TypedDict of the keywords.)"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from otel_sqlite_exporter.declarations import Setting, declared_settings, name_variable

_T = TypeVar("_T")


def show_keywords(accepted: type[Any], *kinds: type[Any]) -> Callable[[type[_T]], type[_T]]:
    """Return a decorator for a class with `__init__(self, path=None, **keywords)`; `accepted` is the TypedDict of the
    keywords, and `kinds` are the classes that declare the settings."""
    declared = {name: setting for kind in kinds for name, setting in declared_settings(kind).items()}
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in accepted.__annotations__.items()
    ]

    def show(cls: type[_T]) -> type[_T]:
        init: Any = cls.__init__
        signature = inspect.signature(init)
        own, path, _ = signature.parameters.values()
        init.__signature__ = signature.replace(parameters=[own, path, *keywords])
        if cls.__doc__:  # there is none under `python -OO`
            described = "\n".join(_describe(name, setting) for name, setting in declared.items())
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__)}\n\nArgs:\n{described}"
        return cls

    return show


def _describe(name: str, setting: Setting) -> str:
    source = f"Environment: {name_variable(name)}. Default: {setting.describe_default()}."
    return f"    {name}: {setting.describe()}\n        {source}"
