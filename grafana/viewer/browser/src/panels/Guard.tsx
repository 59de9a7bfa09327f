// An error boundary: an error while drawing does not affect the rest of the page.
import { type PanelProps } from '@grafana/data';
import { ErrorBoundary } from '@grafana/ui';
import type { ComponentType, JSX, ReactNode } from 'react';
import { Problem } from './Message';

interface Props {
  /** The name of what is drawn, as the start of a sentence. */
  what: string;
  /** When one of these changes, it is drawn again. */
  dependencies?: unknown[];
  /** Wraps the error message. */
  frame?: (problem: JSX.Element) => JSX.Element;
  children: ReactNode;
}

export function Guard({ what, dependencies, frame = (problem) => problem, children }: Props): JSX.Element {
  return (
    <ErrorBoundary boundaryName={what} dependencies={dependencies}>
      {({ error }) => (error ? frame(<Problem text={`${what} cannot be drawn. ${String(error)}`} />) : children)}
    </ErrorBoundary>
  );
}

/** A panel's component that shows its error, and tries again with the next data. */
export function guarded(Panel: ComponentType<PanelProps>): ComponentType<PanelProps> {
  return function GuardedPanel(props) {
    return (
      <Guard what="This panel" dependencies={[props.data]}>
        <Panel {...props} />
      </Guard>
    );
  };
}
