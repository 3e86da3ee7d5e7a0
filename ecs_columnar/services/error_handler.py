"""What kind of fault an error is, and whether a batch goes on after it."""

from __future__ import annotations

from typing import Final, Literal, get_args

from ecs_columnar.errors import (
    ComponentNotFoundError,
    DefinitionNotFoundError,
    DuplicateContentError,
    DuplicateEntityError,
    EcsColumnarError,
    EntityNotFoundError,
    InvalidArgumentError,
    InvalidInstanceIdError,
    LocationNotFoundError,
    RepositoryConsistencyError,
    SchemaError,
    SerializedEntityError,
    StaleHandleError,
    ValidationError,
    WorldInitializationError,
)

ErrorType = Literal["validation", "not_found", "consistency", "timeout", "unknown"]

_ERRORS: Final[dict[ErrorType, tuple[type[BaseException], ...]]] = {
    "validation": (
        DuplicateContentError,
        DuplicateEntityError,
        InvalidArgumentError,
        InvalidInstanceIdError,
        SchemaError,
        SerializedEntityError,
        ValidationError,
    ),
    "not_found": (
        ComponentNotFoundError,
        DefinitionNotFoundError,
        EntityNotFoundError,
        LocationNotFoundError,
        StaleHandleError,
    ),
    "consistency": (RepositoryConsistencyError,),
    "timeout": (TimeoutError,),
}

_OF_INPUT: Final = (*_ERRORS["validation"], *_ERRORS["not_found"], WorldInitializationError)

_TYPES: Final = get_args(ErrorType)


class BatchErrorHandler:
    """Tells what kind of fault an error is, and whether a batch goes on after it.

    Examples
    --------
    >>> handler = BatchErrorHandler()
    >>> handler.classify_error(EntityNotFoundError("kestrel"))
    'not_found'
    >>> handler.should_continue_batch("not_found", 1)
    True
    """

    __slots__ = ()

    def classify_error(self, error: BaseException) -> ErrorType:
        """Return what kind of fault an error is.

        Parameters
        ----------
        error : exception
            Its type decides. Its text does only if it is none of this library and
            says that something timed out.

        Returns
        -------
        {"validation", "not_found", "consistency", "timeout", "unknown"}
        """
        for error_type, kinds in _ERRORS.items():
            if isinstance(error, kinds):
                return error_type
        return "timeout" if _says_timeout(error) else "unknown"

    def should_continue_batch(
        self,
        error_type: ErrorType,
        error_count: int,
        *,
        max_failures: int | None = 5,
        stop_on_error: bool = False,
    ) -> bool:
        """Tell whether a batch goes on.

        Parameters
        ----------
        error_type : {"validation", "not_found", "consistency", "timeout", "unknown"}
            Of the last error. None goes on after "consistency" or "timeout".
        error_count : int
            Failures so far, the last one included.
        max_failures : int or None
            From so many failures on, it does not; None is no limit.
        stop_on_error : bool
            Whether no failure is passed over.

        Raises
        ------
        InvalidArgumentError
            When it is no such type.
        """
        if error_type not in _TYPES:
            raise InvalidArgumentError(
                "error_type",
                error_type,
                f"cannot judge an error of type {error_type!r}; there are {', '.join(_TYPES)}",
            )
        if stop_on_error or error_type in ("consistency", "timeout"):
            return False
        return max_failures is None or error_count < max_failures


def is_fault_of_input(error: BaseException) -> bool:
    """Tell whether what was given is to blame, and not what worked on it."""
    return isinstance(error, _OF_INPUT)


def _says_timeout(error: BaseException) -> bool:
    if isinstance(error, EcsColumnarError):
        return False
    text = f"{type(error).__name__} {error}".lower()
    return "timeout" in text or "timed out" in text
