"""Draws what a terminal showed as an SVG: one that moves, or the end alone.

It has no script: lines of text, which styles show and hide. It is dark on any page, plays a few
times, and rests at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from website.cast import PROMPT, Line

COLUMN_WIDTH, ROW_HEIGHT, MARGIN = 8, 19, 18
REST_SECONDS = 6.0
"""How long the end is shown before it begins again."""
TIMES = 3

LETTERS = """\
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;\
fill:#c9d1d9;white-space:pre}
.typed{fill:#7ee2c8}
"""
MOTION = """\
.past{{visibility:hidden}}
.past,.last{{animation:{seconds:.2f}s step-end {times}}}
@media (prefers-reduced-motion:reduce){{.past,.last{{animation:none!important}}}}
"""


def moving(lines: Sequence[Line], seconds: float, *, title: str, told: str) -> str:
    """Return the picture of a session; `told` says in words what it shows."""
    whole = seconds + REST_SECONDS
    names = [f"l{number}" for number in range(len(lines))]
    style = MOTION.format(seconds=whole, times=TIMES) + "".join(
        _frames(line, name, whole) for line, name in zip(lines, names, strict=True)
    )
    return _drawn("".join(map(_text, lines, names)), style, lines, title=title, told=told)


def still(lines: Sequence[Line], *, title: str, told: str) -> str:
    """Return the picture of what the session shows in the end."""
    drawn = "".join(_text(line, "") for line in lines if line.ends is None)
    return _drawn(drawn, "", lines, title=title, told=told)


def _drawn(drawn: str, style: str, lines: Sequence[Line], *, title: str, told: str) -> str:
    width = max(len(line.text) for line in lines) * COLUMN_WIDTH + 2 * MARGIN
    height = (max(line.row for line in lines) + 1) * ROW_HEIGHT + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-labelledby="title told">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="told">{escape(told)}</desc>\n'
        f"<style>\n{LETTERS}{style}</style>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117" stroke="#30363d"/>\n'
        f"{drawn}</svg>\n"
    )


def _text(line: Line, name: str) -> str:
    named = f'id="{name}" ' if name else ""
    kind = "last" if line.ends is None else "past"
    typed = " typed" if line.text.startswith(PROMPT) else ""
    y = MARGIN + line.row * ROW_HEIGHT + 14
    told = escape(line.text)
    return f'<text {named}class="{kind}{typed}" x="{MARGIN}" y="{y}">{told}</text>\n'


def _frames(line: Line, name: str, whole: float) -> str:
    """Return when a line is to be seen, in parts of the whole time."""
    frames = {0.0: "hidden", 100 * line.begins / whole: "visible"}
    if line.ends is not None:
        frames[100 * line.ends / whole] = "hidden"
    told = "".join(f"{at:.3f}%{{visibility:{state}}}" for at, state in frames.items())
    return f"#{name}{{animation-name:{name}}}@keyframes {name}{{{told}}}\n"
