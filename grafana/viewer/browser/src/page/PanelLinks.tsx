// The links of a panel, beside its title.
import { sceneGraph, type SceneObject, SceneVariableValueChangedEvent } from '@grafana/scenes';
import { LinkButton } from '@grafana/ui';
import { type JSX, useEffect, useReducer } from 'react';
import { type PanelLink } from './model';

interface Props {
  links: PanelLink[];
  /** The panel, which is not there yet when its title is made. */
  panel: () => SceneObject;
}

export function PanelLinks({ links, panel }: Props): JSX.Element {
  const scene = panel();
  // The addresses hold the range and the chosen values, so they follow both.
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
