from __future__ import annotations

import eventcore as e
import fleet.vans.events as facts


@e.state(category="vehicle")
class Van:
    plate: str = ""
    weight: int = 0

    def apply(self, event: facts.Everything) -> Van:
        match event:
            case facts.Bought(plate):
                return Van(plate, self.weight)
            case facts.Loaded(weight):
                return Van(self.plate, self.weight + weight)
            case facts.Unloaded():
                return Van(self.plate)
