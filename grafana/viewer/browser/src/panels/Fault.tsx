// Shows why a panel cannot be drawn.
import { type PanelProps } from '@grafana/data';
import type { JSX } from 'react';
import { Problem } from './Message';

export interface FaultOptions {
  fault: string;
}

export function Fault({ options }: PanelProps<FaultOptions>): JSX.Element {
  return <Problem text={options.fault} />;
}
