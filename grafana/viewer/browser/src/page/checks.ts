// Checks of fields in dashboards, because people edit these files.

export type Holds = (value: unknown) => boolean;
export type Check = [field: string, expected: string, holds: Holds];

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string';
export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0;
export const orNothing = (holds: Holds): Holds => (value) => value === undefined || value === null || holds(value);
export const isListOf = (holds: Holds): Holds => (value) => Array.isArray(value) && value.every(holds);

/** Throws an error that names the field, what is expected, and the actual value. */
export function check(value: unknown, checks: Check[]): asserts value is Record<string, unknown> {
  if (!isObject(value)) {
    throw new Error(`expected an object, got ${shown(value)}`);
  }
  for (const [field, expected, holds] of checks) {
    if (!holds(value[field])) {
      throw new Error(`${field}: expected ${expected}, got ${shown(value[field])}`);
    }
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
