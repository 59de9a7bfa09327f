// Shared by stat and bar gauge: values reduced from series, each with its links.
import { css } from '@emotion/css';
import { type FieldDisplay, type GetFieldDisplayValuesOptions, getFieldDisplayValues, type PanelProps } from '@grafana/data';
import { type SingleStatBaseOptions } from '@grafana/schema';
import { DataLinksContextMenu, type DataLinksContextMenuApi, useTheme2 } from '@grafana/ui';
import { type JSX, useCallback } from 'react';

export function useFieldDisplays<Options extends SingleStatBaseOptions>(
  props: PanelProps<Options>,
  extra: Pick<GetFieldDisplayValuesOptions, 'sparkline' | 'percentChange'>,
): () => FieldDisplay[] {
  const { data, fieldConfig, options, replaceVariables, timeZone } = props;
  const { sparkline, percentChange } = extra;
  const theme = useTheme2();
  return useCallback(
    () =>
      getFieldDisplayValues({
        fieldConfig,
        reduceOptions: options.reduceOptions,
        replaceVariables,
        theme,
        data: data.series,
        sparkline,
        percentChange,
        timeZone,
      }),
    [fieldConfig, options.reduceOptions, replaceVariables, theme, data.series, sparkline, percentChange, timeZone],
  );
}

type Draw = (openMenu?: DataLinksContextMenuApi['openMenu'], className?: string) => JSX.Element;

/** Grafana's link is only as wide as its text: the unfilled part of a bar would be cut. */
const WIDE = css({ flexGrow: 1, minWidth: 0, '& > a > *': { flexGrow: 1 } });

/** Draws a value, as a link or with a menu of links if it has any. */
export function withLinks(value: FieldDisplay, draw: Draw): JSX.Element {
  if (!value.hasLinks || !value.getLinks) {
    return draw();
  }
  return (
    <div className={WIDE}>
      <DataLinksContextMenu links={value.getLinks}>{(api) => draw(api.openMenu, api.targetClassName)}</DataLinksContextMenu>
    </div>
  );
}
