// Instead of a panel that cannot be drawn: why.
import { LoadingState, type PanelProps } from '@grafana/data';
import type { JSX } from 'react';
import { Message } from './Message';

export interface FaultOptions {
  fault: string;
}

export function Fault({ data, options }: PanelProps<FaultOptions>): JSX.Element {
  return <Message data={{ ...data, state: LoadingState.Error, errors: [{ message: options.fault }] }} />;
}
