"""``python -m ecs_columnar`` is ``ecs-columnar``."""

from __future__ import annotations

import sys

from ecs_columnar.cli import main

if __name__ == "__main__":
    sys.exit(main())
