// Finds what is wrong with a panel, and shows that instead.
import { checkDefaults, FAULT, isKnown } from '../panels/registry';
import { check, type Check, isListOf, isNumber, isObject, isText, orNothing } from './checks';
import { checkFields, isLink } from './fieldFaults';
import { NO_FIELDS, type PanelModel } from './model';

const COLUMNS = 24;
/** With more, the page would be higher than a browser can draw. */
const ROWS = 10_000;
const PLACE = { x: 0, y: 0, w: 12, h: 4 };
const PLACED: Check = ['gridPos', `x, y, w and h, whole numbers within ${COLUMNS} columns and ${ROWS} rows`, isPlace];

const PANEL: Check[] = [
  ['id', 'a whole number', isNumber],
  ['type', 'text', isText],
  ['title', 'text', orNothing(isText)],
  ['description', 'text', orNothing(isText)],
  PLACED,
  ['targets', 'a list of queries', orNothing(isListOf(isQuery))],
  ['transformations', 'a list of objects', orNothing(isListOf(isObject))],
  ['options', 'an object', orNothing(isObject)],
  ['links', 'a list of links', orNothing(isListOf(isLink))],
];
const ROW: Check[] = [
  ['title', 'text', orNothing(isText)],
  PLACED,
  ['panels', 'a list of panels', orNothing(Array.isArray)],
];

export const isRow = (panel: unknown): boolean => isObject(panel) && panel.type === 'row';

/** Throws an error that says what is wrong with a row. */
export function checkRow(row: PanelModel): void {
  check(row, ROW);
}

/** Throws an error that says what is wrong with a panel. */
export function checkPanel(panel: PanelModel): void {
  check(panel, PANEL);
  checkFields(panel.fieldConfig ?? NO_FIELDS);
  if (!isKnown(panel.type)) {
    throw new Error(`The viewer does not draw panels of type ${panel.type.slice(0, 100)}; Grafana does`);
  }
  checkDefaults(panel.type, panel.options ?? {}, panel.fieldConfig ?? NO_FIELDS);
}

/** A panel with the reason why another one is not drawn. */
export function faultOf(panel: unknown, fault: string): PanelModel {
  const given = isObject(panel) ? panel : {};
  return {
    id: isNumber(given.id) ? given.id : 0,
    type: FAULT,
    title: isText(given.title) ? given.title : 'Panel',
    gridPos: isPlace(given.gridPos) ? (given.gridPos as PanelModel['gridPos']) : PLACE,
    options: { fault: `This panel cannot be drawn. ${fault}` },
  };
}

function isPlace(value: unknown): boolean {
  if (!isObject(value) || ![value.x, value.y, value.w, value.h].every(isNumber)) {
    return false;
  }
  const { x, y, w, h } = value as PanelModel['gridPos'];
  return w > 0 && h > 0 && x + w <= COLUMNS && y + h <= ROWS;
}

function isQuery(value: unknown): boolean {
  return isObject(value) && isText(value.expr) && isText(value.refId);
}
