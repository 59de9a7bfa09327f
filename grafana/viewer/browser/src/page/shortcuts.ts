// Grafana's keyboard shortcuts: t z, t left and t right change the time range, d r refreshes.
import { sceneGraph, type SceneObject } from '@grafana/scenes';
import { dateTime } from '@grafana/data';

/** Milliseconds between the two keys. */
const WITHIN = 1000;

let first: { key: string; at: number } | undefined;

export function handleShortcut(event: KeyboardEvent, scene: SceneObject): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || /^(input|textarea|select)$/i.test(target.tagName) || target.isContentEditable) {
    return;
  }
  const before = first && event.timeStamp - first.at < WITHIN ? first.key : '';
  first = { key: event.key, at: event.timeStamp };
  const action = ACTIONS[`${before} ${event.key}`];
  if (action) {
    event.preventDefault();
    action(scene);
  }
}

const ACTIONS: Record<string, (scene: SceneObject) => void> = {
  't z': (scene) => move(scene, -0.5, 0.5),
  't ArrowLeft': (scene) => move(scene, -0.5, -0.5),
  't ArrowRight': (scene) => move(scene, 0.5, 0.5),
  'd r': (scene) => sceneGraph.getTimeRange(scene).onRefresh(),
};

/** Moves both ends by a fraction of the range. */
function move(scene: SceneObject, fromBy: number, toBy: number): void {
  const range = sceneGraph.getTimeRange(scene);
  const { from, to } = range.state.value;
  const length = to.valueOf() - from.valueOf();
  const raw = { from: dateTime(from.valueOf() + fromBy * length), to: dateTime(to.valueOf() + toBy * length) };
  range.onTimeRangeChange({ ...raw, raw });
}
