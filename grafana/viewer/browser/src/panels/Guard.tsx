// Keeps an error that is thrown while something is drawn where it is: the rest of the page stays.
import { type PanelProps } from '@grafana/data';
import { ErrorBoundary } from '@grafana/ui';
import type { ComponentType, JSX, ReactNode } from 'react';
import { Problem } from './Message';

interface Props {
  /** What is drawn, at the start of a sentence. */
  what: string;
  /** Once one of these changes, it is drawn again. */
  dependencies?: unknown[];
  /** Drawn around the words that say what is wrong. */
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

/** A panel's component that says what goes wrong in it, and tries again with the next data. */
export function guarded(Panel: ComponentType<PanelProps>): ComponentType<PanelProps> {
  return function GuardedPanel(props) {
    return (
      <Guard what="This panel" dependencies={[props.data]}>
        <Panel {...props} />
      </Guard>
    );
  };
}
