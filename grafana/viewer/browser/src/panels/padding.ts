// Padding of plots in pixels: half of the time axis' last label is beyond the plot.
import type uPlot from 'uplot';

const ROOM = 8;
const HALF_A_LABEL = 20;

const besideNoAxis =
  (room: number): uPlot.PaddingSide =>
  (_plot, side, [top, right, bottom, left]) =>
    [top, right, bottom, left][side] ? 0 : room;

export const PADDING: uPlot.Padding = [besideNoAxis(ROOM), besideNoAxis(HALF_A_LABEL), besideNoAxis(ROOM), besideNoAxis(ROOM)];
