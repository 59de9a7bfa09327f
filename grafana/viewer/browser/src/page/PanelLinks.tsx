// The links of a panel, beside its title.
import { sceneGraph, type SceneObject, SceneVariableValueChangedEvent } from '@grafana/scenes';
import { LinkButton } from '@grafana/ui';
import { type JSX, useEffect, useReducer } from 'react';
import { type PanelLink } from './model';

interface Props {
  links: PanelLink[];
  /** The panel. It does not exist yet when its title is created. */
  panel: () => SceneObject;
}

export function PanelLinks({ links, panel }: Props): JSX.Element {
  const scene = panel();
  // The URLs contain the time range and the variables, so they depend on both.
  sceneGraph.getTimeRange(scene).useState();
  const [, drawAgain] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const watching = scene.getRoot().subscribeToEvent(SceneVariableValueChangedEvent, drawAgain);
    return () => watching.unsubscribe();
  }, [scene]);
  return (
    <>
      {links.map(({ title, url }) => (
        <LinkButton
          key={title}
          href={sceneGraph.interpolate(scene, url)}
          tooltip={title}
          aria-label={title}
          icon="external-link-alt"
          fill="text"
          size="sm"
          variant="secondary"
        />
      ))}
    </>
  );
}
