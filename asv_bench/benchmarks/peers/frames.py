"""polars: a frame of ids and places, without an index of who is where."""

from __future__ import annotations

import os

# One core, as everybody here; polars reads it when it is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

from benchmarks.base import Draw, Side
from benchmarks.worlds import N_PLACES, names_of, places_of


class Frame:
    """A frame, and a random tenth of it with new places, given as strings."""

    def __init__(self, n: int) -> None:
        self.draw = Draw(n)
        self.names = names_of(n)
        places = [f"place-{place}" for place in places_of(n).tolist()]
        self.frame = pl.DataFrame({"id": self.names, "place": places})
        self.next()

    def do(self) -> None:
        """Make a frame of the lists, as `World.move` takes lists too, and update."""
        moves = pl.DataFrame({"id": self.movers, "place": self.places})
        self.frame = self.frame.update(moves, on="id")

    def next(self) -> None:
        self.draw.next()
        self.movers = [self.names[i] for i in self.draw.chosen.tolist()]
        numbers = self.draw.rng.integers(0, N_PLACES, self.draw.n_chosen)
        self.places = [f"place-{number}" for number in numbers.tolist()]


def moves(n: int) -> Side:
    """Rewrite the places of a random tenth, found by id."""
    frame = Frame(n)
    return Side(frame.do, frame.next, frame.draw.n_chosen)
