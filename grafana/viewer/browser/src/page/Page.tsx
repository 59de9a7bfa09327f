// The application inside of what Grafana's libraries expect around them.
import { ThemeContext } from '@grafana/data';
import { config, LocationServiceProvider, locationService } from '@grafana/runtime';
import { ErrorBoundaryAlert, GlobalStyles, PortalContainer } from '@grafana/ui';
import { type JSX, useLayoutEffect, useState } from 'react';
import { Router } from 'react-router-dom';
import { App } from './App';
import { type ServerModel } from './model';

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
