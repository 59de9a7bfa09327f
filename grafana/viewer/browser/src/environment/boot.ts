// Grafana's libraries read this while they load, so import it before them.
interface GrafanaWindow {
  __grafana_public_path__: string;
  grafanaBootData: unknown;
}

const USER = { timezone: 'browser', weekStart: 'browser', locale: 'en-US', language: 'en-US' };

Object.assign(window as unknown as GrafanaWindow, {
  __grafana_public_path__: '/public/',
  grafanaBootData: { user: USER, settings: {}, navTree: [] },
} satisfies GrafanaWindow);

export {};
