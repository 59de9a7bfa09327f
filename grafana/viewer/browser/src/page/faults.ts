// Dashboards are files that people edit: what is wrong with a panel, and what is shown in its place.
import { FAULT, isKnown } from '../panels/registry';
import { type PanelModel } from './model';

const COLUMNS = 24;
const PLACE = { x: 0, y: 0, w: 12, h: 4 };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const isObjectList = (value: unknown): boolean => Array.isArray(value) && value.every(isObject);

type Check = [field: string, expected: string, holds: (value: unknown) => boolean];

const orNothing = (holds: Check[2]): Check[2] => (value) => value === undefined || value === null || holds(value);
const isText = (value: unknown): boolean => typeof value === 'string';

const CHECKS: Check[] = [
  ['id', 'a whole number', isNumber],
  ['type', 'text', isText],
  ['title', 'text', orNothing(isText)],
  ['description', 'text', orNothing(isText)],
  ['gridPos', `x, y, w and h, whole numbers within ${COLUMNS} columns`, isPlace],
  ['targets', 'a list of queries', orNothing((value) => isObjectList(value) && (value as object[]).every(isQuery))],
  ['transformations', 'a list of objects', orNothing(isObjectList)],
  ['fieldConfig', 'defaults and overrides', orNothing(isFieldConfig)],
  ['options', 'an object', orNothing(isObject)],
  ['links', 'a list of links', orNothing(isObjectList)],
];

/** Throws an error that names the field, what is expected, and what is there. */
export function checkPanel(panel: PanelModel): void {
  if (!isObject(panel)) {
    throw new Error(`expected an object, got ${shown(panel)}`);
  }
  for (const [field, expected, holds] of CHECKS) {
    if (!holds(panel[field])) {
      throw new Error(`${field}: expected ${expected}, got ${shown(panel[field])}`);
    }
  }
  if (!isKnown(panel.type)) {
    throw new Error(`The viewer does not draw panels of type ${panel.type.slice(0, 100)}; Grafana does`);
  }
}

/** A panel that says why another one is not drawn. */
export function faultOf(panel: unknown, fault: string): PanelModel {
  const given = isObject(panel) ? panel : {};
  const title = isText(given.title) ? String(given.title) : 'Panel';
  return {
    id: isNumber(given.id) ? Number(given.id) : 0,
    type: FAULT,
    title,
    gridPos: isPlace(given.gridPos) ? (given.gridPos as PanelModel['gridPos']) : PLACE,
    options: { fault: `This panel cannot be drawn. ${fault}` },
  };
}

function isPlace(value: unknown): boolean {
  if (!isObject(value) || ![value.x, value.y, value.w, value.h].every(isNumber)) {
    return false;
  }
  const { x, w, h } = value as { x: number; w: number; h: number };
  return w > 0 && h > 0 && x + w <= COLUMNS;
}

function isQuery(value: object): boolean {
  const { expr, refId } = value as Record<string, unknown>;
  return isText(expr) && isText(refId);
}

function isFieldConfig(value: unknown): boolean {
  if (!isObject(value) || !isObject(value.defaults)) {
    return false;
  }
  return isObjectList(value.overrides) && (value.overrides as { properties?: unknown }[]).every((one) => isObjectList(one.properties));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
