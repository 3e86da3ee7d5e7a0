"""What airports and planes are made of: the columns of the files.

A value that a file lacks is a component that the entity lacks: there is no
number that means "unknown". So 70 planes have no `Built`; and the cruising
speed, which 23 of 3,322 planes have, is stored sparsely.
"""

from __future__ import annotations

from typing import Final

from ecs_columnar.fields import f4, f8, field, i1, i2, i4, str_
from ecs_columnar.schema import Component

AIRPORT: Final = "airport"
PLANE: Final = "plane"
UNREGISTERED: Final = "plane:unregistered"


class Airport(Component, id="flights:airport"):
    """An airport of the airports file.

    Attributes
    ----------
    name : str
    altitude : int32
        Feet.
    """

    name: str_
    altitude: i4


class Coordinates(Component, id="flights:coordinates"):
    """Where on Earth.

    Attributes
    ----------
    lat, lon : float64
        Degrees.
    """

    lat: f8 = field(finite=True)
    lon: f8 = field(finite=True)


class TimeZone(Component, id="flights:time_zone"):
    """What the clocks show.

    Attributes
    ----------
    name : str
        IANA name; three airports have none.
    offset : int8
        Hours from UTC, in winter.
    daylight : str
        "A" where the clocks change as in the United States, "N" where they do
        not, "U" where that is unknown.
    """

    name: str_
    offset: i1
    daylight: str_


class Plane(Component, id="flights:plane"):
    """Tag of all planes, in the file or not."""


class Unregistered(Component, id="flights:unregistered"):
    """Tag of the planes that fly and are not in the planes file."""


class Aircraft(Component, id="flights:aircraft"):
    """What was built.

    Attributes
    ----------
    type, manufacturer, model : str
    """

    type: str_
    manufacturer: str_
    model: str_


class Built(Component, id="flights:built"):
    """When it was built.

    Attributes
    ----------
    year : int16
    """

    year: i2


class Engines(Component, id="flights:engines"):
    """What drives it.

    Attributes
    ----------
    kind : str
    number : int8
    """

    kind: str_
    number: i1


class Cabin(Component, id="flights:cabin"):
    """Who fits in.

    Attributes
    ----------
    seats : int16
    """

    seats: i2


class CruisingSpeed(Component, id="flights:cruising_speed", storage="sparse"):
    """How fast it flies.

    Attributes
    ----------
    mph : float32
        Miles an hour.
    """

    mph: f4 = field(finite=True)
