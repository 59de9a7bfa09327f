// A panel that spoils no other, whatever goes wrong in it. @grafana/scenes catches what a panel's component throws, and
// not what is thrown around it: while its field options are applied to its data, or in its title.
import { type SceneComponentProps, sceneGraph, VizPanel } from '@grafana/scenes';
import { PanelChrome } from '@grafana/ui';
import type { JSX } from 'react';
import { Guard } from '../panels/Guard';

export class Panel extends VizPanel {
  static override Component = Guarded;
}

function Guarded({ model }: SceneComponentProps<VizPanel>): JSX.Element {
  const { title } = model.useState();
  const { data } = sceneGraph.getData(model).useState();
  return (
    <Guard
      what="This panel"
      dependencies={[data]}
      frame={(problem) => <PanelChrome title={title}>{problem}</PanelChrome>}
    >
      <VizPanel.Component model={model} />
    </Guard>
  );
}
