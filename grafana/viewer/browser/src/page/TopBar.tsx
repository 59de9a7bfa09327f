// The bar above the dashboard: its name, links to the others, and the theme.
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { sceneGraph } from '@grafana/scenes';
import { Dropdown, Menu, Text, ToolbarButton, useStyles2 } from '@grafana/ui';
import type { JSX } from 'react';
import { Guard } from '../panels/Guard';
import { chooseTheme, type ThemeChoice, themeChoice } from '../environment/theme';
import { type DashboardScene } from './DashboardScene';
import { type DashboardAddress, type DashboardLink, type DashboardModel } from './model';

interface Props {
  scene: DashboardScene;
  dashboard: DashboardModel;
  dashboards: DashboardAddress[];
}

export function TopBar({ scene, dashboard, dashboards }: Props): JSX.Element {
  const styles = useStyles2(getStyles);
  const { time } = scene.useState();
  return (
    <header className={styles.bar}>
      <Text element="h1" variant="h4">
        {dashboard.title}
      </Text>
      <Text color="secondary" variant="bodySmall">
        Viewer of the Grafana dashboards
      </Text>
      <div className={styles.right}>
        {dashboard.links.map((link) => (
          <Guard key={link.title} what="This menu">
            <Ways scene={scene} link={link} dashboards={dashboards} />
          </Guard>
        ))}
        {time.map((control) => (
          <Guard key={control.state.key} what="This choice">
            <control.Component model={control} />
          </Guard>
        ))}
        <ThemeMenu />
      </div>
    </header>
  );
}

interface WaysProps {
  scene: DashboardScene;
  link: DashboardLink;
  dashboards: DashboardAddress[];
}

function Ways({ scene, link, dashboards }: WaysProps): JSX.Element {
  // Computed when the menu opens, to keep the choices of that moment.
  const items = () => (
    <Menu>
      {dashboards
        .filter((one) => (link.tags ?? []).every((tag) => one.tags.includes(tag)))
        .map((one) => (
          <Menu.Item key={one.uid} label={one.title} url={`/d/${one.uid}${kept(link, (text) => sceneGraph.interpolate(scene, text))}`} />
        ))}
    </Menu>
  );
  return (
    <Dropdown overlay={items} placement="bottom-end">
      <ToolbarButton icon="bars" isOpen={false} variant="canvas">
        {link.title}
      </ToolbarButton>
    </Dropdown>
  );
}

function kept({ includeVars, keepTime }: DashboardLink, fill: (text: string) => string): string {
  const parts = [includeVars ? '${__all_variables}' : '', keepTime ? '${__url_time_range}' : ''];
  const query = parts.map((part) => fill(part).replace(/^[?&]/, '')).filter(Boolean);
  return query.length > 0 ? `?${query.join('&')}` : '';
}

const THEMES: Record<ThemeChoice, string> = { system: 'As the browser', dark: 'Dark', light: 'Light' };

function ThemeMenu(): JSX.Element {
  const items = () => (
    <Menu>
      {Object.entries(THEMES).map(([choice, label]) => (
        <Menu.Item
          key={choice}
          label={label}
          active={themeChoice() === choice}
          onClick={() => chooseTheme(choice as ThemeChoice)}
        />
      ))}
    </Menu>
  );
  return (
    <Dropdown overlay={items} placement="bottom-end">
      <ToolbarButton icon="palette" variant="canvas" aria-label="Theme" tooltip="Theme" />
    </Dropdown>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1, 2), flexWrap: 'wrap' }),
  right: css({ display: 'flex', gap: theme.spacing(1), marginLeft: 'auto' }),
});
