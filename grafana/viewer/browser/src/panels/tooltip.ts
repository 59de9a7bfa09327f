import { type TooltipPlugin2 } from '@grafana/ui';
import { type ComponentProps } from 'react';

type Mode = ComponentProps<typeof TooltipPlugin2>['hoverMode'];

/** The mode of a tooltip. @grafana/ui has an enum for it but does not export it. */
export const HOVER = {
  nearestSeries: 0 as Mode,
  allSeries: 1 as Mode,
  cell: 2 as Mode,
};
