"""Commands whose `handle` is given to them: a laboratory for what the executor promises."""
