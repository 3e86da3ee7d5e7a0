"""An environment for asv: the packages that are here, and the sources of any commit.

asv's own environments are either the current one, which is one commit, or made
for the purpose, with packages from an index. This one needs no index.
"""

from __future__ import annotations

import os
from typing import Any

from asv.environment import ExistingEnvironment


class CheckoutEnvironment(ExistingEnvironment):  # type: ignore[misc]  # asv has no types
    """The current Python, on a commit that is checked out beside it."""

    tool_name = "checkout"
    matches_python_fallback = True

    def __init__(self, conf: Any, executable: str, requirements: Any, variables: Any) -> None:
        super().__init__(conf, "same", requirements, variables)

    def can_install_project(self) -> bool:
        return True

    def create(self) -> None:
        os.makedirs(self._path, exist_ok=True)  # noqa: PTH103 - asv's paths are strings

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        self.checkout_project(repo, commit_hash)

    def run(self, args: list[str], **kwargs: Any) -> Any:
        env = kwargs.pop("env", None) or dict(os.environ)
        return super().run(args, env=env | {"PYTHONPATH": self._build_root}, **kwargs)
