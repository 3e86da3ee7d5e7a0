"""An environment for asv: the packages that are here, and the sources of any commit.

asv's own environments are either the current one, which is one commit, or made
for the purpose, with packages from an index. This one needs no index. It is no
subclass of the current one, for which asv puts the repository aside.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from asv import util
from asv.environment import Environment


class CheckoutEnvironment(Environment):  # type: ignore[misc]  # asv has no types
    """The current Python, on a commit that is checked out beside it."""

    tool_name = "checkout"

    def __init__(self, conf: Any, python: str, requirements: Any, variables: Any) -> None:
        self._python = python
        self._requirements = requirements
        super().__init__(conf, python, requirements, variables)

    @classmethod
    def matches(cls, python: str) -> bool:
        return python == f"{sys.version_info.major}.{sys.version_info.minor}"

    def check_presence(self) -> bool:
        return os.path.isdir(self._path)  # noqa: PTH112 - asv's paths are strings

    def _setup(self) -> None:
        os.makedirs(self._path, exist_ok=True)  # noqa: PTH103

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        self.checkout_project(repo, commit_hash)

    def run(self, args: list[str], **kwargs: Any) -> Any:
        env = dict(kwargs.pop("env", None) or os.environ)
        env["PYTHONPATH"] = self._build_root
        return util.check_output([sys.executable, *args], env=env, **kwargs)
