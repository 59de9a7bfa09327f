// A panel whose errors do not affect the others. @grafana/scenes catches errors of a panel's component, but not those
// around it: while field options are applied to the data, or in the title.
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
