"""Batches of entities and components."""

from __future__ import annotations

from typing import Any, Unpack

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.additions import Addition
from ecs_columnar.services.batch_service import BatchService, Surroundings, operation_result
from ecs_columnar.services.call import Operation
from ecs_columnar.services.creation import Creation
from ecs_columnar.services.options import BatchOptions, with_options
from ecs_columnar.services.removals import Despawning, Removal
from ecs_columnar.services.results import BatchOperationResult, Path
from ecs_columnar.services.settings import ReadSettings, Settings
from ecs_columnar.world import World


class BatchOperationManager(BatchService):
    """Create and remove entities, add and remove components, a batch at a time.

    Every method takes a list of items, or the same as columns: a DataFrame, an
    Arrow table, a mapping of arrays. An item that fails is reported, and the
    others go on; see `BatchOptions` for what else can be asked for.

    Parameters
    ----------
    world : World
    default_batch_size, max_batch_size : int
        A batch is what stops, is counted and reported together. Its size has no
        influence on speed.
    enable_transactions : bool
        Whether a call may be atomic.
    settings : callable, optional
        Returns all settings at the time of a call, instead of the three above.
    surroundings : Surroundings, optional
        Clock, logger, monitoring.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> from ecs_columnar.services import create_default_services_with_config
    >>> class Health(ecs.Component, id="core:health"):
    ...     points: ecs.i4
    >>> services = create_default_services_with_config()
    >>> _ = services.components.register(Health)
    >>> _ = services.definitions.register(
    ...     {"id": "core:actor", "components": {"core:health": {"points": 100}}}
    ... )
    >>> manager = services.batch_operation_manager
    >>> result = manager.batch_create_entities(
    ...     {
    ...         "definition_id": "core:actor",
    ...         "instance_id": ["ann", "ben", "ann"],
    ...         "core:health.points": [80, 90, 100],
    ...     }
    ... )
    >>> [entity.id for entity in result.successes]
    ['ann', 'ben']
    >>> result.failures[0].index, type(result.failures[0].error).__name__
    (2, 'DuplicateEntityError')
    """

    def __init__(
        self,
        world: World,
        *,
        default_batch_size: int = 50,
        max_batch_size: int = 200,
        enable_transactions: bool = True,
        settings: ReadSettings | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        constant = Settings(
            default_batch_size=default_batch_size,
            max_batch_size=max_batch_size,
            enable_transactions=enable_transactions,
        )
        super().__init__(world, settings or constant, surroundings)

    @with_options
    def batch_create_entities(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Create entities from their definitions.

        Parameters
        ----------
        items : list of `BatchCreateSpec` or mapping, or columns
            With ``definition_id``, and optional ``opts`` with ``instance_id`` (a
            UUID is made otherwise) and ``component_overrides``. As columns:
            ``definition_id``, ``instance_id``, and one column a field, such as
            ``"core:position.locationId"``.
        **options : BatchOptions

        Returns
        -------
        BatchOperationResult
            Its successes are entities.

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        in_threads = self._options(options).enable_parallel
        return self._operate(Creation(self._catalogue, in_threads=in_threads), items, options)

    @with_options
    def batch_add_components(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Add components to entities, or replace them.

        Parameters
        ----------
        items : list of `BatchComponentSpec` or mapping, or columns
            With ``instance_id``, ``component_type_id`` and ``component_data``. As
            columns: the data as one column a field, such as
            ``"core:health.points"``, or as a column of mappings.
        **options : BatchOptions

        Returns
        -------
        BatchOperationResult
            Its successes are True.

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        return self._operate(Addition(self._catalogue), items, options)

    @with_options
    def batch_remove_components(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Remove components that entities have beyond, or instead of, their definition's.

        Parameters
        ----------
        items : list of mapping, or columns
            With ``instance_id`` and ``component_type_id``. Where there is nothing
            to remove the item succeeds.
        **options : BatchOptions

        Returns
        -------
        BatchOperationResult
            Its successes are True.

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        return self._operate(Removal(self._catalogue), items, options)

    @with_options
    def batch_remove_entities(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Remove entities with all that they have.

        Parameters
        ----------
        items : list or array of ids or handles, or columns with ``instance_id``
        **options : BatchOptions

        Returns
        -------
        BatchOperationResult
            Its successes are ids, or handles where these were given.

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        return self._operate(Despawning(self._catalogue), items, options)

    def set_transactions_enabled(self, flag: bool) -> None:
        """Say whether a call may be atomic.

        Raises
        ------
        InvalidArgumentError
            When it is neither True nor False.
        """
        if not isinstance(flag, bool):
            raise InvalidArgumentError("flag", flag)
        self._changes["enable_transactions"] = flag

    def _operate(
        self, operation: Operation, items: Any, options: BatchOptions, *, path: Path = "batch"
    ) -> BatchOperationResult:
        return operation_result(self._run(operation, items, "items", options, path=path))
