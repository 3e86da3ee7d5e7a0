"""The table of all keys; validation and documentation derive from it.

The section ``defaults`` has no keys of its own: users name them, after tags.
"""

from __future__ import annotations

from typing import Final

from ecs_columnar.config.keys import Count, Key, Number, Switch

DEFAULTS_SECTION: Final = "defaults"

# A day. Above 292 years `time.sleep` raises, and nobody waits as long.
_LONGEST_WAIT_MS: Final = 86_400_000

_KEYS: Final[tuple[Key, ...]] = (
    Switch(
        path="performance.ENABLE_MONITORING",
        default=True,
        effect="Whether calls are timed and counted. Circuit breakers work either way.",
    ),
    Number(
        path="performance.SLOW_OPERATION_THRESHOLD",
        default=100,
        effect="A call that takes more milliseconds counts as slow, and is logged.",
    ),
    Number(
        path="performance.MEMORY_WARNING_THRESHOLD",
        default=0.8,
        most=1,
        effect="The share of the memory budget from which monitoring warns. It is critical from "
        "0.85, or from this share if that is more.",
    ),
    Switch(
        path="performance.ENABLE_BATCH_OPERATIONS",
        default=True,
        effect="Whether facades hand batches to the batch managers; item by item otherwise.",
    ),
    Count(
        path="performance.DEFAULT_BATCH_SIZE",
        default=50,
        effect="Items a batch, where a call says nothing. At most `MAX_BATCH_SIZE`.",
    ),
    Count(
        path="performance.MAX_BATCH_SIZE",
        default=200,
        effect="The largest batch size that a call may ask for.",
    ),
    Count(
        path="performance.SPATIAL_INDEX_BATCH_SIZE",
        default=100,
        effect="Items a batch of the spatial services, where a call says nothing.",
    ),
    Switch(
        path="performance.ENABLE_PARALLEL_BATCH_PROCESSING",
        default=True,
        effect="Whether calls may use threads, where they say nothing. Results are the same.",
    ),
    Count(
        path="performance.BATCH_OPERATION_THRESHOLD",
        default=10,
        least=0,
        effect="Facades do calls with fewer items one by one.",
    ),
    Number(
        path="performance.BATCH_TIMEOUT_MS",
        default=30000,
        effect="Milliseconds after which a call starts nothing further.",
    ),
    Count(
        path="performance.WORLD_LOADING_BATCH_SIZE",
        default=100,
        effect="Items a batch when a world is loaded.",
    ),
    Count(
        path="performance.WORLD_LOADING_BATCH_THRESHOLD",
        default=5,
        least=0,
        effect="A world with fewer items is loaded one by one.",
    ),
    Switch(
        path="performance.ENABLE_WORLD_LOADING_OPTIMIZATION",
        default=True,
        effect="Whether worlds are loaded in batches.",
    ),
    Switch(
        path="performance.ENABLE_BATCH_ENTITY_CREATION",
        default=True,
        effect="Whether facades create entities in batches.",
    ),
    Switch(
        path="performance.ENABLE_BATCH_ENTITY_REMOVAL",
        default=True,
        effect="Whether facades remove entities in batches.",
    ),
    Switch(
        path="performance.ENABLE_BATCH_COMPONENTS",
        default=True,
        effect="Whether facades add and remove components in batches.",
    ),
    Switch(
        path="performance.ENABLE_BATCH_SPATIAL_INDEX",
        default=True,
        effect="Whether the spatial facade hands batches on.",
    ),
    Switch(
        path="performance.ENABLE_ADAPTIVE_BATCH_SIZE",
        default=False,
        effect="Whether blocks of execution are halved while memory is short, and grow back.",
    ),
    Switch(
        path="batchOperations.ENABLE_TRANSACTION_ROLLBACK",
        default=True,
        effect="Whether a call may be atomic.",
    ),
    Switch(
        path="batchOperations.STOP_ON_ERROR",
        default=False,
        effect="Whether a call stops after the batch of the first failure, where it says nothing.",
    ),
    Count(
        path="batchOperations.MAX_FAILURES_PER_BATCH",
        default=5,
        effect="After a batch with so many failures no other starts.",
    ),
    Count(
        path="batchOperations.BATCH_RETRY_ATTEMPTS",
        default=2,
        least=0,
        effect="How often a transient error of what the caller supplies is followed by another "
        "try.",
    ),
    Number(
        path="batchOperations.BATCH_RETRY_DELAY_MS",
        default=1000,
        is_open=False,
        most=_LONGEST_WAIT_MS,
        effect="Milliseconds between two tries.",
    ),
    Count(
        path="errorHandling.CIRCUIT_BREAKER_THRESHOLD",
        default=5,
        effect="A breaker opens after so many failed calls in a row.",
    ),
    Number(
        path="errorHandling.CIRCUIT_BREAKER_TIMEOUT",
        default=60000,
        effect="Milliseconds until an open breaker lets a call through.",
    ),
)

KEYS: Final = {key.path: key for key in _KEYS}

SECTIONS: Final = (*dict.fromkeys(key.section for key in _KEYS), DEFAULTS_SECTION)
