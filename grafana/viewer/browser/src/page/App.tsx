// The page: the dashboard in the URL.
import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { UrlSyncContextProvider } from '@grafana/scenes';
import { Alert, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { type JSX, useCallback, useEffect, useState } from 'react';
import { useLocation } from 'react-router-dom';
import { Guard } from '../panels/Guard';
import { messageOf } from './checks';
import { type DashboardScene } from './DashboardScene';
import { type DashboardModel, type ServerModel } from './model';
import { soundPartsOf } from './parts';
import { sceneOf } from './scene';
import { handleShortcut } from './shortcuts';
import { TopBar } from './TopBar';
import { Unreachable } from './Unreachable';

interface Shown {
  uid: string;
  dashboard: DashboardModel;
  /** Parts that were left out, and why. */
  faults: string[];
  scene: DashboardScene;
}

export function App({ server }: { server: ServerModel }): JSX.Element {
  const styles = useStyles2(getStyles);
  const uid = useLocation().pathname.split('/')[2] ?? '';
  const [shown, setShown] = useState<Shown>();
  const [problem, setProblem] = useState<string>();
  const [round, setRound] = useState(0);
  // After an outage of Prometheus, load variables again, too.
  const startAgain = useCallback(() => setRound((before) => before + 1), []);
  useEffect(() => {
    const abort = new AbortController();
    readDashboard(uid, abort.signal)
      .then((given) => {
        const { dashboard, faults } = soundPartsOf(given);
        const scene = sceneOf(dashboard, server.source.name);
        document.title = dashboard.title;
        setProblem(undefined);
        setShown({ uid, dashboard, faults, scene });
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) {
          setProblem(messageOf(error));
        }
      });
    return () => abort.abort();
  }, [uid, round, server]);
  useEffect(() => {
    const listener = (event: KeyboardEvent) => shown && handleShortcut(event, shown.scene);
    document.addEventListener('keydown', listener);
    return () => document.removeEventListener('keydown', listener);
  }, [shown]);
  if (problem) {
    return <Alert title={`Dashboard ${uid}`}>{problem}</Alert>;
  }
  if (shown?.uid !== uid) {
    return <LoadingPlaceholder text="Loading" />;
  }
  return (
    <div className={styles.page}>
      <TopBar scene={shown.scene} dashboard={shown.dashboard} dashboards={server.dashboards} />
      <Unreachable onBack={startAgain} />
      {shown.faults.length > 0 && <LeftOut faults={shown.faults} />}
      <Guard what="This dashboard" dependencies={[shown]}>
        <UrlSyncContextProvider key={`${uid} ${round}`} scene={shown.scene} updateUrlOnInit={false} createBrowserHistorySteps>
          <shown.scene.Component model={shown.scene} />
        </UrlSyncContextProvider>
      </Guard>
    </div>
  );
}

function LeftOut({ faults }: { faults: string[] }): JSX.Element {
  return (
    <Alert title="Parts of this dashboard are left out" severity="warning">
      {faults.map((fault) => (
        <div key={fault}>{fault}</div>
      ))}
    </Alert>
  );
}

async function readDashboard(uid: string, signal: AbortSignal): Promise<DashboardModel> {
  const response = await fetch(`/api/dashboards/${encodeURIComponent(uid)}`, { signal });
  if (!response.ok) {
    throw new Error(await response.text());
  }
  return (await response.json()) as DashboardModel;
}

/** Follows links between dashboards without a page load. */
export function followLinks(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest('a');
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || event.defaultPrevented || (link.target && link.target !== '_self')) {
    return;
  }
  const url = new URL(link.href, location.href);
  if (url.origin === location.origin && url.pathname.startsWith('/d/')) {
    event.preventDefault();
    locationService.push(url.pathname + url.search);
  }
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ padding: theme.spacing(2), display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
});
