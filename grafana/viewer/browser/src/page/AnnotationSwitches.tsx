// A switch for each annotation of the dashboard, under its own name.
import { css } from '@emotion/css';
import {
  ControlsLabel,
  type SceneComponentProps,
  type SceneDataLayerProvider,
  SceneDataLayerSet,
  sceneGraph,
  SceneObjectBase,
} from '@grafana/scenes';
import type { JSX } from 'react';

/** Grafana's own control has one label for all of a set: no one sees which switch is which. */
export class AnnotationSwitches extends SceneObjectBase {
  static Component = Drawn;
}

function Drawn({ model }: SceneComponentProps<AnnotationSwitches>): JSX.Element {
  const layers = sceneGraph
    .getDataLayers(model, true)
    .flatMap((set) => (set instanceof SceneDataLayerSet ? set.state.layers : [set]));
  return (
    <>
      {layers.map((layer) => (
        <Switch key={layer.state.key} layer={layer} />
      ))}
    </>
  );
}

function Switch({ layer }: { layer: SceneDataLayerProvider }): JSX.Element | null {
  const { key, name, isHidden, data } = layer.useState();
  if (isHidden || !layer.Component) {
    return null;
  }
  return (
    <div className={ONE}>
      <ControlsLabel htmlFor={`data-layer-${key}`} label={name} error={data?.errors?.[0]?.message} />
      <layer.Component model={layer} />
    </div>
  );
}

const ONE = css({ display: 'flex' });
