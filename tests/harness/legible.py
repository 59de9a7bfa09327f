"""Finds what is hard to read on a page of panels, in the viewer and in Grafana, which share their markup."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from tests.harness.drawn_text import DRAWN_FAULTS

AROUND_PANELS = "page: "
"""The prefix of a fault outside of panels; others begin with the panel's title."""

TEXT_IS_CUT = """
    element => {
        const range = document.createRange();
        range.selectNodeContents(element);
        const style = getComputedStyle(element);
        const padding = parseFloat(style.paddingRight) + parseFloat(style.borderRightWidth);
        return range.getBoundingClientRect().right > element.getBoundingClientRect().right - padding + 0.5;
    }
"""

FAULTS = """
    (textIsCut, sayDrawnFaults) => {
        const MARGIN = 1, OVERLAP = 4;
        const faults = new Set();
        const titleOf = element => element.closest("section")?.querySelector("h2")?.textContent ?? "page";
        const say = (element, fault) => faults.add(`${titleOf(element)}: ${fault}`);
        const isShown = element => element.getBoundingClientRect().width > 1
            && element.checkVisibility({opacityProperty: true, visibilityProperty: true});

        const root = document.documentElement;
        if (root.scrollWidth > root.clientWidth) say(root, "wider than its window");
        for (const grid of document.querySelectorAll("[role=grid]"))
            if (grid.scrollWidth > grid.clientWidth + MARGIN) say(grid, "the table is wider than its panel");

        const ofHeadings = "h2, [role=columnheader]";
        const hasTooltip = element => {
            const tooltip = element.closest("[title]")?.title ?? element.querySelector("[title]")?.title;
            return tooltip?.includes(element.innerText.trim()) && !element.closest(ofHeadings);
        };
        for (const element of document.querySelectorAll("body *:not([role=gridcell], [role=columnheader])"))
            if (getComputedStyle(element).textOverflow === "ellipsis" && element.innerText?.trim()
                && isShown(element) && textIsCut(element) && !hasTooltip(element))
                say(element, `${element.innerText.trim()} is cut`);

        const textColours = [getComputedStyle(document.body).color, "rgb(255, 255, 255)"];
        for (const link of document.querySelectorAll("[role=gridcell] a"))
            if (textColours.includes(getComputedStyle(link).color))
                say(link, `the link ${link.innerText} looks like text`);

        const visible = (box, text, section) => {
            for (let parent = text; parent !== section.parentElement; parent = parent.parentElement) {
                const {overflowX} = getComputedStyle(parent);
                if (overflowX === "visible") continue;
                const frame = parent.getBoundingClientRect();
                const isOut = box.right > frame.right + MARGIN || box.left < frame.left - MARGIN;
                if (isOut && overflowX !== "auto" && overflowX !== "scroll" && !text.closest("[role=grid]")
                    && !hasTooltip(text))
                    say(section, `${text.innerText} is cut at the side`);
                box = {
                    left: Math.max(box.left, frame.left), right: Math.min(box.right, frame.right),
                    top: Math.max(box.top, frame.top), bottom: Math.min(box.bottom, frame.bottom),
                };
            }
            return box;
        };
        const textsOf = section => {
            const texts = [];
            const walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const element = node.parentElement;
                if (!node.data.trim() || !isShown(element) || element.closest("style, script")) continue;
                const range = document.createRange();
                range.selectNodeContents(node);
                for (const box of range.getClientRects())
                    texts.push({element, text: node.data, box: visible(box, element, section)});
            }
            return texts;
        };
        const overlap = (one, other) =>
            Math.min(one.right, other.right) - Math.max(one.left, other.left) > OVERLAP &&
            Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > OVERLAP;
        for (const section of document.querySelectorAll("section")) {
            sayDrawnFaults(section, say);
            const texts = textsOf(section);
            texts.forEach((one, index) => {
                for (const other of texts.slice(index + 1))
                    if (one.element !== other.element && overlap(one.box, other.box))
                        say(section, `${one.text} lies on ${other.text}`);
            });
        }
        return [...faults];
    }
"""

MARK_CUT_CELLS = """
    (cells, textIsCut) => {
        const columns = new Set();
        for (const cell of cells) {
            delete cell.dataset.cut;
            const panel = cell.closest("section").getAttribute("aria-labelledby");
            const column = `${panel} ${cell.getAttribute("aria-colindex")}`;
            if (columns.has(column) || !textIsCut(cell)) continue;
            columns.add(column);
            cell.dataset.cut = "";
        }
    }
"""


def reading_faults(page: Page) -> list[str]:
    """Cut text, text on other text, tables wider than their panel, links that look like text.

    Of graphs too: its context must have had `record_drawn_text` before the page was opened.
    """
    faults: list[str] = page.evaluate(f"({FAULTS})({TEXT_IS_CUT}, {DRAWN_FAULTS})")
    return faults


def cut_cells(page: Page) -> Locator:
    """The first cell with cut text in every column of a table."""
    page.locator("[role=gridcell]").evaluate_all(f"cells => ({MARK_CUT_CELLS})(cells, {TEXT_IS_CUT})")
    return page.locator("[data-cut]")


def hidden_cells(page: Page) -> list[str]:
    """Cells with cut text that is not shown under the pointer either."""
    hidden = []
    for cell in cut_cells(page).all():
        cell.hover()
        if cell.evaluate(TEXT_IS_CUT):
            hidden.append(cell.inner_text())
    page.mouse.move(0, 0)
    return hidden
