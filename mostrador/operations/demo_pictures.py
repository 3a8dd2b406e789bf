"""Product pictures for the demo shop: flat drawings, one per kind of thing and colour.

Shapes are SVG-like paths in a square of 640 units; they are drawn twice as large and reduced, which smooths the edges.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Iterable, List, Tuple

from PIL import Image, ImageDraw, ImageFilter

SIZE = 640  # pixels, both ways
_ZOOM = 2
Colour = Tuple[int, int, int]
Point = Tuple[float, float]

GOLD: Colour = (214, 168, 72)
WOOD: Colour = (176, 122, 74)
STEEL: Colour = (176, 184, 194)
INK: Colour = (48, 50, 58)
WHITE: Colour = (252, 250, 246)


def mix(colour: Colour, other: Colour, part: float) -> Colour:
    """``colour`` with ``part`` (0 to 1) of ``other`` in it."""
    return tuple(round(a + (b - a) * part) for a, b in zip(colour, other))  # type: ignore[return-value]


class Canvas:
    """A square sheet with a soft background in the colour's own tint."""

    def __init__(self, colour: Colour) -> None:
        self.colour = colour
        self.dark = mix(colour, INK, 0.30)
        self.light = mix(colour, WHITE, 0.40)
        self.accent = GOLD if sum(colour) < 560 else mix(colour, INK, 0.45)
        side = SIZE * _ZOOM
        top, bottom = mix(WHITE, colour, 0.05), mix(WHITE, colour, 0.24)
        ramp = Image.new("RGB", (1, 2))
        ramp.putpixel((0, 0), top)
        ramp.putpixel((0, 1), bottom)
        column = ramp.resize((1, side), Image.Resampling.BILINEAR)
        self.image = column.resize((side, side), Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self.image)

    def shadow(self, left: float, top: float, right: float, bottom: float) -> None:
        """The soft shadow on which a thing stands."""
        blur = 28  # units around the ellipse
        width, height = right - left + 2 * blur, bottom - top + 2 * blur
        small = Image.new("L", (round(width / 4), round(height / 4)), 0)
        ImageDraw.Draw(small).ellipse([blur / 4, blur / 4, (width - blur) / 4, (height - blur) / 4], fill=90)
        size = (round(width * _ZOOM), round(height * _ZOOM))
        mask = small.filter(ImageFilter.GaussianBlur(2)).resize(size, Image.Resampling.BILINEAR)
        corner = (round((left - blur) * _ZOOM), round((top - blur) * _ZOOM))
        self.image.paste(mix(self.colour, INK, 0.7), (*corner, corner[0] + size[0], corner[1] + size[1]), mask)

    def path(self, path: str, fill: Colour) -> None:
        self._draw.polygon(_outline(path), fill=fill)

    def line(self, path: str, fill: Colour, width: float = 6) -> None:
        points = _outline(path)
        self._draw.line(points, fill=fill, width=round(width * _ZOOM), joint="curve")
        for x, y in (points[0], points[-1]):
            radius = width * _ZOOM / 2
            self._draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=fill)

    def disc(self, x: float, y: float, radius: float, fill: Colour, height: float = 0) -> None:
        tall = height or radius
        self._draw.ellipse([v * _ZOOM for v in (x - radius, y - tall, x + radius, y + tall)], fill=fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: float = 0) -> None:
        self._draw.rounded_rectangle([v * _ZOOM for v in (left, top, right, bottom)], radius * _ZOOM, fill=fill)

    def finished(self) -> Image.Image:
        return self.image.reduce(_ZOOM)


def _outline(path: str) -> List[Point]:
    """The points of a path of absolute M, L, C and Z commands."""
    points: List[Point] = []
    words = path.split()
    at = 0
    while at < len(words):
        command = words[at]
        at += 1
        count = {"M": 2, "L": 2, "C": 6, "Z": 0}[command]
        v = [float(word) * _ZOOM for word in words[at : at + count]]
        at += count
        if command in "ML":
            points.append((v[0], v[1]))
        elif command == "C":
            points += _curve(points[-1], (v[0], v[1]), (v[2], v[3]), (v[4], v[5]))
    return points


def _curve(a: Point, b: Point, c: Point, d: Point, steps: int = 24) -> Iterable[Point]:
    for step in range(1, steps + 1):
        t = step / steps
        u = 1 - t
        yield (
            u**3 * a[0] + 3 * u * u * t * b[0] + 3 * u * t * t * c[0] + t**3 * d[0],
            u**3 * a[1] + 3 * u * u * t * b[1] + 3 * u * t * t * c[1] + t**3 * d[1],
        )


def _kurta(c: Canvas) -> None:
    c.shadow(200, 505, 440, 545)
    c.path("M 208 158 C 170 190 148 250 132 335 L 186 350 L 222 262 Z", c.dark)
    c.path("M 432 158 C 470 190 492 250 508 335 L 454 350 L 418 262 Z", c.dark)
    c.path(
        "M 262 128 C 285 152 355 152 378 128 L 432 156 L 424 270 C 424 360 436 440 440 515 L 200 515 "
        "C 204 440 216 360 216 270 L 208 156 Z",
        c.colour,
    )
    c.path("M 134 322 L 129 338 L 185 354 L 190 339 Z", c.accent)
    c.path("M 506 322 L 511 338 L 455 354 L 450 339 Z", c.accent)
    c.path("M 262 128 C 285 152 355 152 378 128 L 392 135 C 360 172 280 172 248 135 Z", c.accent)
    c.box(309, 158, 331, 272, c.light, 4)
    for y in (180, 206, 232, 258):
        c.disc(320, y, 5, c.accent)
    c.path("M 202 482 L 438 482 L 439 500 L 201 500 Z", c.accent)
    for x in range(218, 430, 26):
        c.disc(x, 462, 6, c.light)
    c.line("M 232 300 C 228 370 222 430 220 470", c.dark, 2)
    c.line("M 408 300 C 412 370 418 430 420 470", c.dark, 2)


def _saree(c: Canvas) -> None:
    c.shadow(130, 480, 510, 540)
    c.path("M 160 190 C 240 170 400 170 480 190 L 500 500 C 400 520 240 520 140 500 Z", c.colour)
    c.path("M 146 440 C 240 460 400 460 496 440 L 500 500 C 400 520 240 520 140 500 Z", c.accent)
    c.path("M 145 456 C 240 476 400 476 497 456 L 498 468 C 400 488 240 488 144 468 Z", mix(c.accent, WHITE, 0.5))
    for x in (210, 265, 320, 375, 430):
        c.line(f"M {x} 185 C {x - 6} 260 {x + 6} 340 {x} 440", c.dark, 3)
    c.path("M 160 190 C 190 150 250 130 320 150 L 420 420 L 350 446 Z", c.light)
    c.path("M 350 446 L 420 420 L 432 452 L 360 480 Z", c.accent)
    for step in range(5):
        x, y = 215 + step * 33, 205 + step * 45
        c.disc(x + 25, y, 11, c.colour)
        c.disc(x + 25, y, 5, c.accent)


def _shirt(c: Canvas) -> None:
    c.shadow(190, 480, 450, 525)
    c.path("M 226 165 C 180 180 150 230 128 300 L 196 330 L 228 260 Z", c.dark)
    c.path("M 414 165 C 460 180 490 230 512 300 L 444 330 L 412 260 Z", c.dark)
    c.path("M 262 148 L 378 148 L 418 168 L 424 490 C 380 500 260 500 216 490 L 222 168 Z", c.colour)
    c.path("M 262 148 L 320 200 L 286 232 L 248 160 Z", c.light)
    c.path("M 378 148 L 320 200 L 354 232 L 392 160 Z", c.light)
    c.line("M 320 205 L 320 492", c.dark, 3)
    for y in (240, 290, 340, 390, 440):
        c.disc(320, y, 6, WHITE)
    c.box(346, 262, 398, 322, c.light, 6)
    c.line("M 346 276 L 398 276", c.dark, 2)


def _poncho(c: Canvas) -> None:
    c.shadow(120, 470, 520, 530)
    c.path(
        "M 320 120 C 380 130 420 160 450 220 L 548 450 L 320 520 L 92 450 L 190 220 C 220 160 260 130 320 120 Z",
        c.colour,
    )
    c.path("M 150 314 L 320 366 L 490 314 L 506 352 L 320 410 L 134 352 Z", c.accent)
    c.path("M 128 368 L 320 428 L 512 368 L 520 386 L 320 448 L 120 386 Z", c.light)
    c.path("M 176 256 L 320 300 L 464 256 L 472 276 L 320 322 L 168 276 Z", c.dark)
    for step in range(9):
        x = 160 + step * 40
        y = 345 + 38 * (1 - abs(step - 4) / 4)
        c.path(f"M {x - 10} {y} L {x} {y - 12} L {x + 10} {y} L {x} {y + 12} Z", WHITE)
    c.disc(320, 150, 56, c.dark, 34)
    c.disc(320, 146, 44, mix(c.dark, INK, 0.5), 24)
    for step in range(23):
        x = 100 + step * 20
        y = 452 + 66 * (1 - abs(step - 11) / 11)
        c.line(f"M {x} {y} L {x} {y + 22}", c.dark, 4)


def _shoe(c: Canvas) -> None:
    c.shadow(90, 420, 560, 480)
    for dx, dy, body in ((40, -95, c.dark), (0, 0, c.colour)):
        c.path(
            f"M {110 + dx} {400 + dy} C {110 + dx} {340 + dy} {130 + dx} {270 + dy} {165 + dx} {262 + dy} "
            f"C {200 + dx} {258 + dy} {250 + dx} {300 + dy} {310 + dx} {318 + dy} C {400 + dx} {340 + dy} "
            f"{480 + dx} {350 + dy} {505 + dx} {402 + dy} "
            f"C {505 + dx} {430 + dy} {480 + dx} {436 + dy} {450 + dx} {436 + dy} "
            f"L {130 + dx} {436 + dy} C {112 + dx} {436 + dy} {108 + dx} {420 + dy} {110 + dx} {400 + dy} Z",
            body,
        )
        c.box(112 + dx, 424 + dy, 500 + dx, 446 + dy, mix(WOOD, WHITE, 0.45), 10)
        c.path(
            f"M {165 + dx} {262 + dy} C {200 + dx} {258 + dy} {250 + dx} {300 + dy} {310 + dx} {318 + dy} "
            f"C {280 + dx} {336 + dy} {200 + dx} {330 + dy} {160 + dx} {290 + dy} Z",
            mix(body, INK, 0.45),
        )
    for x, y in ((352, 352), (388, 364), (424, 376), (372, 386), (408, 396)):
        c.disc(x, y, 9, c.accent)
        c.disc(x, y, 4, WHITE)
    c.line("M 126 330 C 150 360 150 390 138 420", c.accent, 5)


def _lamp(c: Canvas) -> None:
    c.shadow(210, 500, 430, 545)
    glow = mix((255, 226, 150), WHITE, 0.45)
    c.disc(320, 300, 200, mix(glow, c.light, 0.12), 170)
    c.path("M 240 130 L 400 130 L 470 320 C 420 340 220 340 170 320 Z", c.colour)
    c.path("M 170 320 C 220 340 420 340 470 320 L 464 303 C 416 322 224 322 176 303 Z", c.accent)
    c.path("M 240 130 L 400 130 L 404 144 L 236 144 Z", c.accent)
    for x, y in ((270, 140), (320, 140), (370, 140)):
        c.line(f"M {x} {y + 8} L {320 + (x - 320) * 1.9} 312", c.dark, 3)
    c.box(311, 334, 329, 470, STEEL if c.accent != GOLD else GOLD)
    c.disc(320, 392, 26, c.dark, 34)
    c.path("M 250 516 C 250 480 390 480 390 516 C 390 530 250 530 250 516 Z", c.dark)


def _mug(c: Canvas) -> None:
    c.shadow(170, 480, 470, 535)
    c.line("M 420 270 C 520 260 520 420 412 412", c.dark, 26)
    c.path(
        "M 190 220 L 430 220 C 432 340 420 450 396 500 C 370 516 250 516 224 500 C 200 450 188 340 190 220 Z",
        c.colour,
    )
    c.disc(310, 220, 120, c.light, 26)
    c.disc(310, 224, 104, (92, 58, 40), 20)
    c.path("M 193 300 C 250 322 370 322 428 300 L 426 334 C 370 356 250 356 194 334 Z", WHITE)
    for x in range(216, 420, 34):
        c.path(f"M {x - 12} 326 L {x} 312 L {x + 12} 326 L {x} 340 Z", c.dark)
    for x in (270, 320):
        c.line(f"M {x} 185 C {x - 24} 160 {x + 24} 140 {x} 110", mix(WHITE, c.colour, 0.35), 7)


def _mate(c: Canvas) -> None:
    c.shadow(190, 490, 450, 540)
    c.line("M 345 240 C 372 180 398 130 430 96", STEEL, 12)
    c.box(418, 78, 462, 96, GOLD, 8)
    c.path("M 232 230 C 170 300 170 440 240 500 C 280 520 360 520 400 500 C 470 440 470 300 408 230 Z", c.colour)
    c.path("M 250 260 C 206 320 206 420 256 474 C 236 410 236 330 272 262 Z", c.light)
    c.box(222, 206, 418, 246, STEEL, 16)
    c.disc(320, 214, 88, (96, 128, 64), 16)
    c.path("M 186 350 C 250 376 390 376 454 350 L 454 380 C 390 406 250 406 186 380 Z", c.accent)


def _bag(c: Canvas) -> None:
    c.shadow(140, 495, 500, 545)
    c.line("M 230 270 C 230 110 410 110 410 270", c.dark, 18)
    c.path("M 150 250 L 490 250 L 516 500 C 420 520 220 520 124 500 Z", c.colour)
    c.path("M 150 250 L 490 250 L 494 292 L 146 292 Z", c.dark)
    c.path("M 134 410 L 506 410 L 510 446 L 130 446 Z", c.accent)
    for x in range(160, 500, 40):
        c.path(f"M {x - 14} 446 L {x} 418 L {x + 14} 446 Z", c.colour)
    c.disc(230, 272, 11, GOLD)
    c.disc(410, 272, 11, GOLD)
    c.disc(320, 350, 32, c.light)
    c.disc(320, 350, 16, c.accent)


def _camera(c: Canvas) -> None:
    c.shadow(130, 460, 510, 510)
    c.box(240, 170, 400, 250, c.dark, 22)
    c.box(120, 215, 520, 470, c.colour, 34)
    c.box(120, 275, 520, 410, mix(c.colour, INK, 0.55))
    c.disc(320, 342, 118, STEEL)
    c.disc(320, 342, 102, INK)
    c.disc(320, 342, 70, (52, 78, 128))
    c.disc(320, 342, 40, (24, 30, 52))
    c.disc(294, 312, 18, (196, 214, 240))
    c.box(150, 232, 214, 258, c.light, 8)
    c.disc(470, 244, 14, (214, 62, 54))


def _headphones(c: Canvas) -> None:
    c.shadow(150, 490, 490, 535)
    c.line("M 160 360 C 150 60 490 60 480 360", c.dark, 30)
    c.line("M 178 300 C 190 110 450 110 462 300", c.light, 10)
    for left in (118, 422):
        c.box(left, 310, left + 100, 490, c.colour, 44)
    c.box(196, 325, 236, 475, INK, 18)
    c.box(404, 325, 444, 475, INK, 18)
    for x in (160, 480):
        c.disc(x, 400, 26, c.light, 44)
        c.disc(x, 400, 12, c.accent, 24)


def _toy(c: Canvas) -> None:
    c.shadow(110, 490, 540, 540)
    c.box(170, 380, 232, 480, c.dark, 14)
    c.box(340, 380, 402, 480, c.dark, 14)
    c.path(
        "M 130 330 C 130 220 240 190 330 200 C 420 210 440 260 440 330 C 440 420 380 430 290 430 "
        "C 190 430 130 420 130 330 Z",
        c.colour,
    )
    c.path(
        "M 400 200 C 470 170 540 220 530 300 C 524 360 560 390 580 370 L 588 396 C 540 440 490 400 488 340 "
        "C 440 350 390 320 390 260 Z",
        c.colour,
    )
    c.disc(420, 280, 54, c.light, 70)
    c.disc(486, 250, 9, INK)
    c.path("M 180 250 C 220 196 330 196 360 250 L 350 340 C 300 360 230 360 196 340 Z", c.accent)
    for x in (220, 272, 324):
        c.disc(x, 290, 13, WHITE)
    for x in (190, 380):
        c.disc(x, 492, 36, WOOD)
        c.disc(x, 492, 12, mix(WOOD, INK, 0.5))
    c.line("M 132 300 C 104 310 100 340 108 362", c.dark, 8)


def _necklace(c: Canvas) -> None:
    c.shadow(180, 520, 460, 550)
    c.path(
        "M 190 90 L 450 90 C 440 170 470 210 540 250 L 540 520 L 100 520 L 100 250 C 170 210 200 170 190 90 Z",
        mix(WHITE, INK, 0.10),
    )
    for step in range(29):
        t = step / 28
        x = 195 + 250 * t
        y = 170 + 4 * 215 * t * (1 - t)
        near = 1 - abs(t - 0.5) * 1.4
        c.disc(x, y, 9 + 7 * near, c.dark)
        c.disc(x - 1.5, y - 1.5, 7 + 6 * near, c.colour if step % 2 else c.accent)
        c.disc(x - 4, y - 4, 2.5 + 2 * near, WHITE)
    c.path("M 320 398 C 360 420 372 460 320 500 C 268 460 280 420 320 398 Z", c.accent)
    c.path("M 320 414 C 346 430 354 456 320 482 C 286 456 294 430 320 414 Z", c.colour)
    c.disc(310, 438, 7, WHITE)


def _cushion(c: Canvas) -> None:
    c.shadow(120, 485, 520, 540)
    c.path(
        "M 120 150 C 200 176 440 176 520 150 C 500 240 500 420 520 510 C 440 484 200 484 120 510 "
        "C 140 420 140 240 120 150 Z",
        c.colour,
    )
    c.path("M 320 200 L 450 330 L 320 460 L 190 330 Z", c.accent)
    c.path("M 320 240 L 410 330 L 320 420 L 230 330 Z", c.light)
    c.path("M 320 284 L 366 330 L 320 376 L 274 330 Z", c.dark)
    for x, y in ((200, 220), (440, 220), (200, 440), (440, 440)):
        c.disc(x, y, 16, c.light)
        c.disc(x, y, 7, c.dark)


def _watch(c: Canvas) -> None:
    c.shadow(220, 540, 420, 570)
    c.path("M 262 70 L 378 70 L 392 220 L 248 220 Z", c.colour)
    c.path("M 248 420 L 392 420 L 378 570 L 262 570 Z", c.colour)
    for y in (476, 506, 536):
        c.disc(320, y, 7, c.dark)
    c.disc(320, 320, 136, STEEL)
    c.disc(320, 320, 118, WHITE)
    c.box(454, 304, 476, 336, STEEL, 6)
    for x, y in ((320, 222), (320, 418), (222, 320), (418, 320)):
        c.disc(x, y, 8, c.dark)
    c.line("M 320 320 L 320 246", INK, 8)
    c.line("M 320 320 L 374 352", INK, 8)
    c.disc(320, 320, 12, c.accent)


def _bottle(c: Canvas) -> None:
    c.shadow(220, 510, 420, 555)
    c.box(278, 86, 362, 150, c.dark, 12)
    c.path(
        "M 284 150 L 356 150 C 356 196 410 210 410 270 L 410 500 C 410 530 230 530 230 500 L 230 270 "
        "C 230 210 284 196 284 150 Z",
        c.colour,
    )
    c.path("M 252 270 C 252 232 280 214 290 200 C 276 250 274 420 276 500 L 252 498 Z", c.light)
    c.box(230, 340, 410, 430, c.accent)
    c.disc(320, 385, 30, WHITE)
    c.disc(320, 385, 14, c.dark)


def _planter(c: Canvas) -> None:
    c.shadow(180, 505, 460, 550)
    leaf, deep = (86, 142, 84), (58, 108, 66)
    for path, tone in (
        ("M 320 350 C 200 300 190 180 250 130 C 300 190 320 260 320 350 Z", deep),
        ("M 320 350 C 440 300 450 180 390 130 C 340 190 320 260 320 350 Z", leaf),
        ("M 320 350 C 250 260 280 130 320 80 C 360 130 390 260 320 350 Z", mix(leaf, WHITE, 0.2)),
        ("M 310 350 C 220 350 150 300 140 240 C 220 240 290 280 310 350 Z", leaf),
        ("M 330 350 C 420 350 490 300 500 240 C 420 240 350 280 330 350 Z", deep),
    ):
        c.path(path, tone)
    c.path("M 200 350 L 440 350 L 410 520 C 380 534 260 534 230 520 Z", c.colour)
    c.box(184, 330, 456, 376, c.dark, 10)
    c.path("M 214 420 L 426 420 L 421 450 L 219 450 Z", c.accent)


DRAWINGS: Dict[str, Callable[[Canvas], None]] = {
    "kurta": _kurta,
    "saree": _saree,
    "shirt": _shirt,
    "poncho": _poncho,
    "shoe": _shoe,
    "lamp": _lamp,
    "mug": _mug,
    "mate": _mate,
    "bag": _bag,
    "camera": _camera,
    "headphones": _headphones,
    "toy": _toy,
    "necklace": _necklace,
    "cushion": _cushion,
    "watch": _watch,
    "bottle": _bottle,
    "planter": _planter,
}


def picture(kind: str, colour: Colour) -> Image.Image:
    """The drawing of one kind of thing in one colour."""
    canvas = Canvas(colour)
    DRAWINGS[kind](canvas)
    return canvas.finished()


def draw(folder: Path, wanted: Dict[str, Tuple[str, Colour]]) -> int:
    """Write the pictures that ``folder`` lacks: file name → kind and colour; the number drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = 0
    for name, (kind, colour) in sorted(wanted.items()):
        path = folder / name
        if path.exists():
            continue
        draft = path.with_suffix(".part")
        picture(kind, colour).save(draft, "JPEG", quality=80)
        draft.replace(path)  # nobody ever sees half a picture
        drawn += 1
    return drawn
