// Marks on a graph for pointer and keyboard: buttons over the canvas, each with a tooltip.
import { css, cx } from '@emotion/css';
import { Tooltip, type UPlotConfigBuilder, useStyles2 } from '@grafana/ui';
import { type JSX, type ReactElement, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import type uPlot from 'uplot';

export interface Place {
  left: number;
  top: number;
  width: number;
}

export interface Mark {
  key: string;
  /** Position in CSS pixels from the corner of the plot; undefined if it is outside. */
  place: (plot: uPlot) => Place | undefined;
  label: string;
  content: ReactElement;
  className: string;
}

interface Props {
  config: UPlotConfigBuilder;
  marks: Mark[];
  /** Draws below the marks, onto the canvas. */
  paint?: (plot: uPlot) => void;
}

interface Placed {
  over: HTMLElement;
  places: (Place | undefined)[];
}

export function Overlay({ config, marks, paint }: Props): JSX.Element | null {
  const styles = useStyles2(getStyles);
  const latest = useRef({ marks, paint });
  const plot = useRef<uPlot | undefined>(undefined);
  const [placed, setPlaced] = useState<Placed>();
  useLayoutEffect(() => {
    config.addHook('draw', (drawn) => {
      plot.current = drawn;
      latest.current.paint?.(drawn);
      const places = latest.current.marks.map((mark) => mark.place(drawn));
      setPlaced((before) => (isSame(before, drawn.over, places) ? before : { over: drawn.over, places }));
    });
    config.addHook('destroy', () => {
      plot.current = undefined;
    });
  }, [config]);
  useLayoutEffect(() => {
    latest.current = { marks, paint };
    plot.current?.redraw(false, false);
  }, [marks, paint]);
  if (!placed) {
    return null;
  }
  const buttons = marks.map((mark, i) => {
    const place = placed.places[i];
    return (
      place && (
        <Tooltip key={mark.key} content={mark.content} placement="bottom" interactive>
          <button type="button" className={cx(styles.mark, mark.className)} style={{ ...place }} aria-label={mark.label} />
        </Tooltip>
      )
    );
  });
  return createPortal(buttons, placed.over);
}

function isSame(before: Placed | undefined, over: HTMLElement, places: (Place | undefined)[]): boolean {
  return before?.over === over && JSON.stringify(before.places) === JSON.stringify(places);
}

/** Draws, clipped to the edges of the plot. */
export function clipped(plot: uPlot, draw: (context: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx);
  ctx.restore();
}

const getStyles = () => ({
  mark: css({ position: 'absolute', padding: 0, border: 'none', background: 'none', cursor: 'pointer', zIndex: 1 }),
});
