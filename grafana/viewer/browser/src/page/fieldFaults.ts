// Finds what is wrong with a panel's field configuration: its defaults and overrides.
import { check, type Check, isListOf, isObject, isText, orNothing } from './checks';

const isAnyNumber = (value: unknown): boolean => typeof value === 'number';
const isStep = (value: unknown): boolean => isObject(value) && isText(value.color) && orNothing(isAnyNumber)(value.value);

const CONFIG: Check[] = [
  ['defaults', 'an object', isObject],
  ['overrides', 'a list of overrides, each with a matcher and properties', isListOf(isOverride)],
];
const FIELD: Check[] = [
  ['unit', 'text', orNothing(isText)],
  ['displayName', 'text', orNothing(isText)],
  ['noValue', 'text', orNothing(isText)],
  ['decimals', 'a number', orNothing(isAnyNumber)],
  ['min', 'a number', orNothing(isAnyNumber)],
  ['max', 'a number', orNothing(isAnyNumber)],
  ['color', 'a mode', orNothing(isColor)],
  ['thresholds', 'steps, each with a color and a value', orNothing(isThresholds)],
  ['mappings', 'a list of mappings, each with a type and options', orNothing(isListOf(isMapping))],
  ['links', 'a list of links', orNothing(isListOf(isLink))],
  ['custom', 'an object', orNothing(isObject)],
];

/** Throws an error that says what is wrong with a panel's `fieldConfig`. */
export function checkFields(config: unknown): void {
  check(config, CONFIG);
  check(config.defaults, FIELD);
  for (const { properties } of config.overrides as { properties: { id: string; value?: unknown }[] }[]) {
    for (const { id, value } of properties) {
      check({ [id]: value }, FIELD.filter(([field]) => field === id));
    }
  }
}

export function isLink(value: unknown): boolean {
  return isObject(value) && orNothing(isText)(value.title) && orNothing(isText)(value.url);
}

function isOverride(value: unknown): boolean {
  return isObject(value) && isObject(value.matcher) && isText(value.matcher.id) && isListOf(isProperty)(value.properties);
}

function isProperty(value: unknown): boolean {
  return isObject(value) && isText(value.id);
}

function isColor(value: unknown): boolean {
  return isObject(value) && isText(value.mode) && orNothing(isText)(value.fixedColor);
}

function isThresholds(value: unknown): boolean {
  return isObject(value) && orNothing(isText)(value.mode) && isListOf(isStep)(value.steps);
}

function isMapping(value: unknown): boolean {
  return isObject(value) && isText(value.type) && isObject(value.options);
}
