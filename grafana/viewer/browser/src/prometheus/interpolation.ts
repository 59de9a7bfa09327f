// How values of variables are written into PromQL.
import { type ScopedVars } from '@grafana/data';
import { type SceneObject, sceneGraph } from '@grafana/scenes';

const inString = (text: string) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
const inRegex = (text: string) => inString(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));

interface VariableModel {
  multi?: boolean;
  includeAll?: boolean;
}

/** Writes one value, or several as alternatives, escaped for a matcher. */
function promqlFormat(value: unknown, variable: VariableModel): string {
  if (Array.isArray(value)) {
    const values = value.map((one) => inRegex(String(one)));
    return values.length === 1 ? (values[0] ?? '') : `(${values.join('|')})`;
  }
  const text = String(value);
  return variable.multi || variable.includeAll ? inRegex(text) : inString(text);
}

export function interpolate(scene: SceneObject | undefined, text: string, scopedVars: ScopedVars = {}): string {
  return scene ? sceneGraph.interpolate(scene, text, scopedVars, promqlFormat) : text;
}

/** The scene object of the query, which knows the variables around it. */
export function askingScene(scopedVars: ScopedVars | undefined): SceneObject | undefined {
  const given = scopedVars?.__sceneObject?.value as { valueOf(): SceneObject } | undefined;
  return given?.valueOf();
}
