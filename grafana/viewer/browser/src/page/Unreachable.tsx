// The banner while Prometheus does not answer. It retries until it does.
import { Alert } from '@grafana/ui';
import { type JSX, useEffect, useState } from 'react';
import { ask, unreachable } from '../prometheus/api';

/** Milliseconds. */
const AGAIN = 3000;

/** @param onBack - called when Prometheus answers again */
export function Unreachable({ onBack }: { onBack: () => void }): JSX.Element | null {
  const [problem, setProblem] = useState(unreachable.value);
  useEffect(() => {
    const watching = unreachable.subscribe((now) => {
      setProblem((before) => {
        if (before && !now) {
          queueMicrotask(onBack);
        }
        return now;
      });
    });
    return () => watching.unsubscribe();
  }, [onBack]);
  const isAway = problem !== undefined;
  useEffect(() => {
    if (!isAway) {
      return;
    }
    const timer = setInterval(() => {
      ask('query', { query: '1' }).catch(() => undefined);
    }, AGAIN);
    return () => clearInterval(timer);
  }, [isAway]);
  if (!isAway) {
    return null;
  }
  return (
    <Alert title="Prometheus does not answer" severity="error">
      {problem}. This page asks again every {AGAIN / 1000} seconds.
    </Alert>
  );
}
