import { cacheFieldDisplayNames, type PanelProps } from '@grafana/data';
import { type TableCellHeight, type TableSortByFieldState } from '@grafana/schema';
import { TableNG } from '@grafana/ui/unstable';
import { type JSX, useMemo } from 'react';
import { Message } from './Message';

export interface TableOptions {
  showHeader: boolean;
  sortBy: TableSortByFieldState[];
  cellHeight: TableCellHeight;
}

export function Table(props: PanelProps<TableOptions>): JSX.Element {
  const { data, options, width, height, fieldConfig, timeRange } = props;
  const frame = useMemo(() => {
    cacheFieldDisplayNames(data.series);
    return data.series[0];
  }, [data.series]);
  if (!frame || frame.length === 0) {
    return <Message data={data} noValue={fieldConfig.defaults.noValue} />;
  }
  return (
    <TableNG
      data={frame}
      width={width}
      height={height}
      noHeader={!options.showHeader}
      sortBy={options.sortBy}
      cellHeight={options.cellHeight}
      structureRev={data.structureRev}
      timeRange={timeRange}
      fieldConfig={fieldConfig}
      resizable
      enableVirtualization
    />
  );
}
