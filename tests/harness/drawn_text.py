"""What is written on the canvases of a page, and where: ticks and names on graphs are in no element."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page

RECORD = """
    (() => {
        const written = new WeakMap();
        const forget = canvas => written.set(canvas, []);
        const prototype = CanvasRenderingContext2D.prototype;
        const boxOf = (context, text, x, y) => {
            const size = context.measureText(text), matrix = context.getTransform();
            const corners = [
                [x - size.actualBoundingBoxLeft, y - size.actualBoundingBoxAscent],
                [x + size.actualBoundingBoxRight, y - size.actualBoundingBoxAscent],
                [x - size.actualBoundingBoxLeft, y + size.actualBoundingBoxDescent],
                [x + size.actualBoundingBoxRight, y + size.actualBoundingBoxDescent],
            ].map(([cornerX, cornerY]) => matrix.transformPoint({x: cornerX, y: cornerY}));
            const [xs, ys] = [corners.map(corner => corner.x), corners.map(corner => corner.y)];
            const [left, right] = [Math.min(...xs), Math.max(...xs)];
            return {left, right, top: Math.min(...ys), bottom: Math.max(...ys)};
        };
        for (const name of ["fillText", "strokeText"]) {
            const write = prototype[name];
            prototype[name] = function (text, x, y, ...rest) {
                if (String(text).trim() && this.globalAlpha > 0) {
                    if (!written.has(this.canvas)) forget(this.canvas);
                    written.get(this.canvas).push({text: String(text), ...boxOf(this, String(text), x, y)});
                }
                return write.call(this, text, x, y, ...rest);
            };
        }
        const clear = prototype.clearRect;
        prototype.clearRect = function (x, y, width, height) {
            const isAll = width >= this.canvas.width && height >= this.canvas.height;
            if (x <= 0 && y <= 0 && isAll) forget(this.canvas);
            return clear.call(this, x, y, width, height);
        };
        for (const side of ["width", "height"]) {
            const {get, set} = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, side);
            Object.defineProperty(HTMLCanvasElement.prototype, side, {
                get, set(value) { forget(this); set.call(this, value); },
            });
        }
        window.drawnTexts = canvas => {
            const frame = canvas.getBoundingClientRect();
            const [across, down] = [frame.width / canvas.width, frame.height / canvas.height];
            return (written.get(canvas) ?? []).map(({text, left, right, top, bottom}) => ({
                text,
                left: frame.left + left * across, right: frame.left + right * across,
                top: frame.top + top * down, bottom: frame.top + bottom * down,
            }));
        };
    })()
"""
"""Boxes hold the ink of the letters, after the transformation of the canvas. `drawnTexts` gives them in the
pixels of the page, whatever the device's ratio. What a canvas is cleared of is forgotten."""

DRAWN_FAULTS = """
    (section, say) => {
        const touch = (one, other) => one.left < other.right && other.left < one.right
            && one.top < other.bottom && other.top < one.bottom;
        for (const canvas of section.querySelectorAll("canvas")) {
            const frame = canvas.getBoundingClientRect();
            const texts = drawnTexts(canvas);
            texts.forEach((one, index) => {
                if (one.left < frame.left - 1 || one.right > frame.right + 1
                    || one.top < frame.top - 1 || one.bottom > frame.bottom + 1)
                    say(section, `${one.text} is cut at the edge of the graph`);
                for (const other of texts.slice(index + 1))
                    if (touch(one, other)) say(section, `${one.text} is drawn on ${other.text}`);
            });
        }
    }
"""
"""Says what is written across another text, or beyond the edge of its canvas."""


def drawn_texts(page: Page) -> list[str]:
    """The texts on the canvases of a page now."""
    texts: list[str] = page.locator("canvas").evaluate_all(
        "all => all.flatMap(canvas => drawnTexts(canvas).map(({text}) => text))"
    )
    return texts


def record_drawn_text(context: BrowserContext) -> None:
    """Note what the pages of this context, opened from now on, write on their canvases."""
    context.add_init_script(RECORD)
