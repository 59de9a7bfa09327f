import { type TooltipPlugin2 } from '@grafana/ui';
import { type ComponentProps } from 'react';

type Mode = ComponentProps<typeof TooltipPlugin2>['hoverMode'];

/** What a tooltip is about. @grafana/ui has an enum for it, which it does not export. */
export const HOVER = {
  nearestSeries: 0 as Mode,
  allSeries: 1 as Mode,
  cell: 2 as Mode,
};
