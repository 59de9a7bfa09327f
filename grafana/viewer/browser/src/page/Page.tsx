// The application inside of what Grafana's libraries expect around them.
import { injectGlobal } from '@emotion/css';
import { ThemeContext } from '@grafana/data';
import { config, LocationServiceProvider, locationService } from '@grafana/runtime';
import { ErrorBoundaryAlert, GlobalStyles, PortalContainer } from '@grafana/ui';
import { type JSX, useLayoutEffect, useState } from 'react';
import { Router } from 'react-router-dom';
import { App } from './App';
import { type ServerModel } from './model';

// The body is as wide as the window: with a browser's own margin the page would be wider.
injectGlobal({ body: { margin: 0 } });

export function Page({ server }: { server: ServerModel }): JSX.Element {
  const history = locationService.getHistory();
  const [location, setLocation] = useState(history.location);
  useLayoutEffect(() => history.listen((next) => setLocation(next)), [history]);
  return (
    <ThemeContext.Provider value={config.theme2}>
      <GlobalStyles />
      <PortalContainer />
      <LocationServiceProvider service={locationService}>
        <Router navigator={history} location={location}>
          <ErrorBoundaryAlert>
            <App server={server} />
          </ErrorBoundaryAlert>
        </Router>
      </LocationServiceProvider>
    </ThemeContext.Provider>
  );
}
