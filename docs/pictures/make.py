#!/usr/bin/env python3
"""Draws the README's pictures of terminal output as SVG: runs `pns` with colours, and turns the ANSI codes into text spans.

Usage: docs/pictures/make.py [PATH-OF-PNS]    (default: target/release/pns)
"""

import html
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PNS = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/pns").resolve()
COLOURS = {31: "#f47067", 32: "#57ab5a", 33: "#c69026", 34: "#539bf5", 35: "#b083f0", 36: "#39c5cf",
           90: "#768390", 91: "#ff938a", 92: "#6bc46d", 93: "#daaa3f", 94: "#6cb6ff", 96: "#56d4dd"}
LINE, CHAR, PAD = 18, 7.85, 16


def run(*args, cwd=ROOT):
    command = [PNS, *args, "--color", "always", "--no-progress", "--seed", "2016"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True).stdout


def spans(line):
    """Pieces of a line, each with its colour and weight."""
    colour, bold, dim = None, False, False
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", piece)
        if not code:
            if piece:
                yield piece, colour, bold, dim
            continue
        for number in (int(n or 0) for n in code[1].split(";")):
            if number == 0:
                colour, bold, dim = None, False, False
            elif number == 1:
                bold = True
            elif number == 2:
                dim = True
            elif number in COLOURS:
                colour = COLOURS[number]


def draw(name, title, output, lines_max, columns=118):
    lines = output.rstrip("\n").split("\n")
    if len(lines) > lines_max:
        tail = 8
        lines = lines[: lines_max - tail - 1] + ["\x1b[90m  …\x1b[0m"] + lines[-tail:]
    width, height = columns * CHAR + 2 * PAD, (len(lines) + 2) * LINE + 2 * PAD
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
           f'aria-label="{html.escape(title)}"><rect width="100%" height="100%" rx="8" fill="#1c2128"/>'
           '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13" fill="#adbac7">',
           f'<text x="{PAD}" y="{PAD + 13}" fill="#768390">$ {html.escape(title)}</text>']
    for index, line in enumerate(lines):
        y = PAD + 13 + (index + 2) * LINE - LINE // 2
        column, parts = 0, []
        for piece, colour, bold, dim in spans(line):
            piece = piece[: max(0, columns - column)]
            if piece:
                style = (f' fill="{colour}"' if colour else ' fill="#768390"' if dim else "") + (
                    ' font-weight="bold"' if bold else "")
                # Renderers collapse spaces, whatever `xml:space` says.
                text = html.escape(piece).replace(" ", "\u00a0")
                parts.append(f'<tspan x="{PAD + column * CHAR:.1f}"{style}>{text}</tspan>')
                column += len(piece)
        out.append(f'<text y="{y}">{"".join(parts)}</text>')
    out.append("</g></svg>\n")
    (HERE / name).write_text("\n".join(out))


FAILING = """\
scenario: An RFP is delivered
clause: delivery-failure
receiver: { script: [200, 503, 503], then: { status: 500 } }
steps:
  - emit: RFP_SEND
    count: 2
    save: rfp
  - until: delivered
    within: 15m
expect:
  - delivered: all
"""

draw("run.svg", "pns run", run("run"), 46)
with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "rfp.yaml").write_text(FAILING)
    draw("failure.svg", "pns run rfp.yaml", run("run", "rfp.yaml", cwd=folder), 60)
