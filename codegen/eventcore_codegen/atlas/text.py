"""An atlas, and answers from it, for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from eventcore_codegen.atlas.layout import heading, labelled, table
from eventcore_codegen.atlas.lookup import Touches
from eventcore_codegen.atlas.matrix import conflict_lines
from eventcore_codegen.atlas.values import Atlas, CommandEntry, EventEntry, StateEntry, Subject, Touch, Use

_INDENT = "  "


def map_text(atlas: Atlas) -> str:
    """Return the whole atlas: commands, states, conflicts, and what was left out."""
    touches = Touches(atlas)
    sections = (
        _section("commands", (_command_lines(command) for command in atlas.commands)),
        _section("states", (_state_lines(state, touches.of_state(state)) for state in atlas.states)),
        _section("events of no state and no command", _stray_events(atlas)),
        _section("conflicts", conflict_lines(atlas)),
        _section("left out, for faults", _left_out(atlas)),
    )
    return "\n\n".join(section for section in sections if section) or "nothing is declared here"


def answer_text(subjects: Iterable[Subject]) -> str:
    """Return what the subjects of one name are, and who has to do with each."""
    return "\n\n".join("\n".join(_subject_lines(subject)) for subject in subjects)


def _section(title: str, blocks: Iterable[list[str]]) -> str:
    found = ["\n".join(block) for block in blocks]
    return "\n\n".join([title.upper(), *found]) if found else ""


def access(use: Use) -> str:
    """Say what a field does to how many streams: ``writes``, ``reads, optional``."""
    verb = "reads" if use.read_only else "writes"
    return verb if use.kind == "one" else f"{verb}, {use.kind}"


def streams(use: Use) -> str:
    """Say which streams a field can be."""
    if use.state is None:
        return f"streams with {', '.join(event.label for event in use.events)}"
    return use.state.category or f"those of {use.state.label}, whose category is no literal"


def _command_lines(command: CommandEntry) -> list[str]:
    lines = heading(command.label, command.place, _INDENT)
    lines += table(((use.name, access(use), streams(use)) for use in command.uses), _INDENT * 2)
    return [*lines, *labelled([("may write", _labels(command.writes))], _INDENT * 2)]


def _state_lines(state: StateEntry, touches: tuple[Touch, ...]) -> list[str]:
    rows = [("holds", _labels(state.events)), *_touch_rows(touches)]
    if not touches:
        rows.append(("used by", ["no command"]))
    return [*heading(_state_title(state), state.place, _INDENT), *labelled(rows, _INDENT * 2)]


def _state_title(state: StateEntry) -> str:
    return f"{state.label} ({state.category or 'its category is no literal'})"


def _touch_rows(touches: tuple[Touch, ...]) -> list[tuple[str, list[str]]]:
    def select(wanted: Callable[[Touch], bool]) -> list[str]:
        return [touch.use.label for touch in touches if wanted(touch)]

    return [
        ("written by", select(lambda touch: touch.verdict == "can" and not touch.use.read_only)),
        ("read by", select(lambda touch: touch.verdict == "can" and touch.use.read_only)),
        ("discovered by", select(lambda touch: touch.verdict == "can" and touch.use.kind == "discovered")),
        ("perhaps written by", select(lambda touch: touch.verdict == "may" and not touch.use.read_only)),
        ("perhaps read by", select(lambda touch: touch.verdict == "may" and touch.use.read_only)),
    ]


def _labels(events: Iterable[EventEntry]) -> list[str]:
    return [event.label for event in events]


def _stray_events(atlas: Atlas) -> list[list[str]]:
    held = {event for state in atlas.states for event in state.events} | {event for use in atlas.uses for event in use.events}
    stray = [event for event in atlas.events if event not in held]
    return [[line for event in stray for line in heading(event.label, event.place, _INDENT)]] if stray else []


def _left_out(atlas: Atlas) -> list[list[str]]:
    lines = [line for each in atlas.left_out for line in heading(f"{each.kind} {each.name}", each.place, _INDENT)]
    return [[*lines, "", f"{_INDENT}What they read and write is in none of the above."]] if lines else []


# --- who


def _subject_lines(subject: Subject) -> Iterator[str]:
    yield from _subject_heading(subject)
    yield ""
    if subject.touches:
        yield from table([(_verb(subject, touch), touch.use.label, str(touch.use.place)) for touch in _writers_first(subject.touches)])
    else:
        yield f"{_INDENT}No command reads or writes it."


def _subject_heading(subject: Subject) -> Iterator[str]:
    match subject.kind:
        case "state":
            yield from heading(f"{subject.name}: a state, of the category {_category(subject.states[0])}", subject.states[0].place)
        case "category":
            yield f"{subject.name}: a category of streams"
        case "stream":
            yield f"{subject.name}: a stream of the category {' or '.join(dict.fromkeys(map(_category, subject.states)))}"
        case "event":
            yield from _event_heading(subject)
    if subject.kind != "state":
        for state in subject.states:
            yield from heading(f"state {state.label}", state.place, _INDENT)


def _category(state: StateEntry) -> str:
    return state.category or "(no literal)"


def _event_heading(subject: Subject) -> Iterator[str]:
    if subject.event is not None:
        stored = f", stored as {subject.event.stored}" if subject.event.stored != subject.name else ""
        yield from heading(f"{subject.name}: an event{stored}, version {subject.event.version}", subject.event.place)


def _verb(subject: Subject, touch: Touch) -> str:
    plain = access(touch.use)
    if touch.verdict == "may":
        return f"perhaps {plain}"
    return plain.replace("writes", "may write", 1) if subject.kind == "event" else plain


def _writers_first(touches: Iterable[Touch]) -> list[Touch]:
    return sorted(touches, key=lambda touch: (touch.verdict, touch.use.read_only))
