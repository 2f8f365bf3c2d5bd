"""Events to JSON and back, exactly: what would not come back as it went in is refused, on every store.

::

    annotations of a class        fields.py      what its fields are called, typed and defaulted
      -> one Coder per type       compiler.py    scalars, choices, containers, unions, classes; the user's own cattrs hooks first
      -> straight-line code       classes.py     generated once per class, run once per event
      -> bytes                    events.py      `EventCodec`, the only public name

"""

from __future__ import annotations

from eventcore.codec.events import EventCodec

__all__ = ["EventCodec"]
