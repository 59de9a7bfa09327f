// A dashboard: time controls, variables and panels.
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { type SceneComponentProps, SceneObjectBase, type SceneObject, type SceneObjectState } from '@grafana/scenes';
import { useStyles2 } from '@grafana/ui';
import type { JSX } from 'react';
import { Guard } from '../panels/Guard';

interface State extends SceneObjectState {
  /** Drawn by the top bar. */
  time: SceneObject[];
  /** Variables and annotations. */
  choices: SceneObject[];
  body: SceneObject;
}

export class DashboardScene extends SceneObjectBase<State> {
  static Component = Drawn;
}

function Drawn({ model }: SceneComponentProps<DashboardScene>): JSX.Element {
  const styles = useStyles2(getStyles);
  const { choices, body } = model.useState();
  return (
    <>
      <div className={styles.choices} data-testid="choices">
        {choices.map((control) => (
          <Guard key={control.state.key} what="This choice">
            <control.Component model={control} />
          </Guard>
        ))}
      </div>
      <body.Component model={body} />
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  choices: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
});
