// Finds what is wrong with a dashboard apart from its panels. A broken part is left out, the rest is drawn.
import { dateMath, rangeUtil, stringToJsRegex } from '@grafana/data';
import { check, type Check, type Holds, isListOf, isObject, isText, messageOf, orNothing } from './checks';
import { type DashboardModel } from './model';

const isOneOf = (...values: unknown[]): Holds => (value) => values.includes(value);
const isTexts: Holds = (value) => isText(value) || isListOf(isText)(value);
const isSwitch = isOneOf(true, false);
const hasList: Holds = (value) => isObject(value) && Array.isArray(value.list);

const FIELDS: [check: Check, otherwise: unknown][] = [
  [['time', 'from and to, such as now-1h and now', orNothing(isRange)], { from: 'now-6h', to: 'now' }],
  [['refresh', 'a time such as 30s', orNothing(isRefresh)], undefined],
  [['timezone', 'text', orNothing(isText)], undefined],
  [['timepicker', 'refresh_intervals, a list of times such as 30s', orNothing(isTimePicker)], undefined],
  [['graphTooltip', '0, 1 or 2', orNothing(isOneOf(0, 1, 2))], undefined],
  [['links', 'a list', orNothing(Array.isArray)], []],
  [['templating', 'an object with a list', orNothing(hasList)], { list: [] }],
  [['annotations', 'an object with a list', orNothing(hasList)], { list: [] }],
];

const LINK: Check[] = [
  ['title', 'text', isText],
  ['tags', 'a list of texts', orNothing(isListOf(isText))],
];
const VARIABLE: Check[] = [
  ['name', 'text', isText],
  ['type', 'query or datasource', isOneOf('query', 'datasource')],
  ['label', 'text', orNothing(isText)],
  ['hide', '0, 1 or 2', orNothing(isOneOf(0, 1, 2))],
  ['query', 'text', isText],
  ['regex', 'a regular expression', orNothing(isRegex)],
  ['refresh', '0, 1 or 2', orNothing(isOneOf(0, 1, 2))],
  ['sort', 'a number from 0 to 8', orNothing(isOneOf(0, 1, 2, 3, 4, 5, 6, 7, 8))],
  ['multi', 'true or false', orNothing(isSwitch)],
  ['includeAll', 'true or false', orNothing(isSwitch)],
  ['allValue', 'text', orNothing(isText)],
  ['current', 'a text and a value', orNothing(isChoice)],
];
const ANNOTATION: Check[] = [
  ['name', 'text', isText],
  ['datasource', 'an object', orNothing(isObject)],
  ['enable', 'true or false', orNothing(isSwitch)],
  ['hide', 'true or false', orNothing(isSwitch)],
  ['iconColor', 'text', orNothing(isText)],
  ['expr', 'text', orNothing(isText)],
  ['step', 'a time such as 30s', orNothing(isInterval)],
  ['titleFormat', 'text', orNothing(isText)],
  ['textFormat', 'text', orNothing(isText)],
  ['tagKeys', 'text', orNothing(isText)],
];

interface Sound {
  dashboard: DashboardModel;
  /** The parts that were left out, and why. */
  faults: string[];
}

export function soundPartsOf(given: DashboardModel): Sound {
  const faults: string[] = [];
  const isSound = (what: string, value: unknown, checks: Check[]): boolean => {
    try {
      check(value, checks);
      return true;
    } catch (error) {
      faults.push(`${what}: ${messageOf(error)}`);
      return false;
    }
  };
  const fields = FIELDS.map(([one, otherwise]) => {
    const field = one[0] as keyof DashboardModel;
    return [field, isSound('Dashboard', given, [one]) ? (given[field] ?? otherwise) : otherwise];
  });
  const dashboard = { ...given, ...Object.fromEntries(fields) } as DashboardModel;
  const soundOf = <Item>(what: string, list: Item[], checks: Check[]): Item[] =>
    list.filter((item, i) => isSound(`${what} ${i + 1}`, item, checks));
  return {
    dashboard: {
      ...dashboard,
      links: soundOf('Link', dashboard.links, LINK),
      templating: { list: soundOf('Variable', dashboard.templating.list, VARIABLE) },
      annotations: { list: soundOf('Annotation', dashboard.annotations.list, ANNOTATION) },
    },
    faults,
  };
}

function isRange(value: unknown): boolean {
  return isObject(value) && [value.from, value.to].every((end) => isText(end) && dateMath.isValid(end));
}

function isInterval(value: unknown): boolean {
  return isText(value) && doesNotThrow(() => rangeUtil.intervalToMs(value));
}

function isRefresh(value: unknown): boolean {
  return isOneOf('', false, 'auto')(value) || isInterval(value);
}

function isTimePicker(value: unknown): boolean {
  return isObject(value) && orNothing(isListOf(isInterval))(value.refresh_intervals);
}

function isChoice(value: unknown): boolean {
  return isObject(value) && orNothing(isTexts)(value.text) && orNothing(isTexts)(value.value);
}

function isRegex(value: unknown): boolean {
  return isText(value) && doesNotThrow(() => stringToJsRegex(value));
}

function doesNotThrow(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
