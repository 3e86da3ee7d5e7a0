"""Operations that are done together or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final

import numpy as np

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.catalogue import catalogue_of
from ecs_columnar.services.results import RollbackResult
from ecs_columnar.world import World

OPERATION_TYPES: Final = (
    "createEntity",
    "addComponent",
    "removeComponent",
    "removeEntity",
    "spatialIndexAdd",
    "spatialIndexMove",
    "spatialIndexRemove",
)


class BatchTransactionManager:
    """Operations on a world that can be taken back.

    It begins when it is made, or entered; `commit` and `rollback` end it. What is
    taken back is all that happened to the world in between, whether it was
    recorded or not; records say what the result is to list. As a context manager
    it commits at the end, and rolls back if the block raises.

    Parameters
    ----------
    world : World
    enable_rollback : bool
        If not, nothing can be taken back.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> transaction = BatchTransactionManager(world)
    >>> _ = world.spawn(1, ids=["ann"])
    >>> transaction.record_operation("createEntity", {"instance_id": "ann"}, True)
    >>> transaction.rollback().rolled_back
    1
    >>> "ann" in world.ids
    False
    """

    def __init__(self, world: World, *, enable_rollback: bool = True) -> None:
        self._catalogue: Final = catalogue_of(world)
        self._enable_rollback: Final = enable_rollback
        self._operations: list[dict[str, Any]] = []
        self._too_early: list[dict[str, Any]] = []
        self._open: ExitStack | None = None
        self._transaction: Any = None
        self._begin()

    @property
    def operations(self) -> tuple[dict[str, Any], ...]:
        """What was recorded, the first one first."""
        return tuple(self._operations)

    def record_operation(self, operation_type: str, operation_data: Any, result: Any) -> None:
        """Record what was done.

        Parameters
        ----------
        operation_type : str
            "createEntity", "addComponent", "removeComponent", "removeEntity",
            "spatialIndexAdd", "spatialIndexMove" or "spatialIndexRemove". A
            rollback reports any other as failed; and one that was done before
            the manager began, which it cannot take back.
        operation_data, result : object

        Raises
        ------
        InvalidArgumentError
            When the type is no string.
        """
        if not isinstance(operation_type, str):
            raise InvalidArgumentError("operation_type", operation_type)
        operation = {
            "operation_type": operation_type,
            "operation_data": operation_data,
            "result": result,
        }
        if self._open is None and self._enable_rollback:
            self._too_early.append(operation)
        self._begin()
        self._operations.append(operation)

    def rollback(self) -> RollbackResult:
        """Take back what happened since the beginning; the last operation first.

        Returns
        -------
        RollbackResult
            Zeros when rollback is not enabled, or nothing was recorded.

        Raises
        ------
        TransactionError
            When a transaction that began later is open; nothing has happened.
        """
        if self._transaction is not None:
            self._transaction.rollback()
        operations, too_early = self._operations[::-1], self._too_early
        self._end()
        if not self._enable_rollback:
            return RollbackResult()
        undone = tuple(
            _undone(each, self._stands(each) or any(each is other for other in too_early))
            for each in operations
        )
        n_failed = sum(not operation["success"] for operation in undone)
        return RollbackResult(len(undone) - n_failed, n_failed, undone)

    def commit(self) -> None:
        """Let what happened stand.

        Raises
        ------
        TransactionError
            When a transaction that began later is open; nothing has happened.
        """
        if self._transaction is not None and self._transaction.is_open:
            self._transaction.commit()
        self._end()

    def __enter__(self) -> BatchTransactionManager:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.rollback()

    def _begin(self) -> None:
        if self._open is None and self._enable_rollback:
            self._open = ExitStack()
            self._transaction = self._open.enter_context(self._catalogue.world.transaction())

    def _stands(self, operation: dict[str, Any]) -> bool:
        """Tell whether what a creation made is there still."""
        if operation["operation_type"] != "createEntity":
            return False
        result = operation["result"]
        made = getattr(result, "handles", getattr(result, "handle", ()))
        return bool(np.any(self._catalogue.world.alive(np.asarray(made, np.int64).reshape(-1))))

    def _end(self) -> None:
        self._operations, self._too_early = [], []
        opened, self._open, self._transaction = self._open, None, None
        if opened is not None:
            opened.close()


def _undone(operation: dict[str, Any], stands: bool) -> dict[str, Any]:
    if operation["operation_type"] not in OPERATION_TYPES:
        reason = f"there are {', '.join(OPERATION_TYPES)}"
    elif stands:
        reason = "it was done before the manager began; make it, or enter it, first"
    else:
        return {**operation, "success": True}
    error = f"cannot take back {operation['operation_type']!r}: {reason}"
    return {**operation, "success": False, "error": error}
