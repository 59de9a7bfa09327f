// The application, wrapped in the providers that Grafana's libraries expect.
import { injectGlobal } from '@emotion/css';
import { ThemeContext } from '@grafana/data';
import { config, LocationServiceProvider, locationService } from '@grafana/runtime';
import { ErrorBoundaryAlert, GlobalStyles, PortalContainer } from '@grafana/ui';
import { type JSX, useLayoutEffect, useState } from 'react';
import { Router } from 'react-router-dom';
import { App } from './App';
import { type ServerModel } from './model';

// The body is as wide as the window, so the browser's default margin would make the page too wide.
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
