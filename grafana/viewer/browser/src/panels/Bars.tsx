import { type DisplayValueAlignmentFactors, type FieldDisplay, getDisplayValueAlignmentFactors, type PanelProps } from '@grafana/data';
import {
  type BarGaugeDisplayMode,
  type BarGaugeNamePlacement,
  BarGaugeSizing,
  type BarGaugeValueMode,
  type SingleStatBaseOptions,
} from '@grafana/schema';
import { BarGauge, useTheme2, VizRepeater } from '@grafana/ui';
import type { JSX } from 'react';
import { Message } from './Message';
import { useFieldDisplays, withLinks } from './numbers';

export interface BarsOptions extends SingleStatBaseOptions {
  displayMode: BarGaugeDisplayMode;
  valueMode: BarGaugeValueMode;
  namePlacement: BarGaugeNamePlacement;
  showUnfilled: boolean;
  sizing: BarGaugeSizing;
  minVizWidth: number;
  minVizHeight: number;
  maxVizHeight: number;
}

const SPACING = 10;
/** Grafana's sizes for `sizing: auto`, in pixels. */
const AUTO = { minVizWidth: 8, minVizHeight: 16, maxVizHeight: 300 };

export function Bars(props: PanelProps<BarsOptions>): JSX.Element {
  const { options, width, height, data, renderCounter, fieldConfig } = props;
  const theme = useTheme2();
  const getValues = useFieldDisplays(props, { sparkline: false });
  if (data.series.length === 0) {
    return <Message data={data} noValue={fieldConfig.defaults.noValue} />;
  }
  const { minVizWidth, minVizHeight, maxVizHeight } = options.sizing === BarGaugeSizing.Manual ? options : AUTO;
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={data}
      renderCounter={renderCounter}
      width={width}
      height={height}
      orientation={options.orientation}
      itemSpacing={SPACING}
      minVizWidth={minVizWidth}
      minVizHeight={minVizHeight}
      maxVizHeight={maxVizHeight}
      renderValue={(one) =>
        withLinks(one.value, (openMenu, className) => (
          <BarGauge
            value={one.value.display}
            field={one.value.field}
            display={one.value.view?.getFieldDisplayProcessor(one.value.colIndex ?? 0)}
            theme={theme}
            width={one.width}
            height={one.height}
            orientation={one.orientation}
            text={options.text}
            displayMode={options.displayMode}
            itemSpacing={SPACING}
            onClick={openMenu}
            className={className}
            alignmentFactors={one.count > 1 ? one.alignmentFactors : undefined}
            showUnfilled={options.showUnfilled}
            valueDisplayMode={options.valueMode}
            namePlacement={options.namePlacement}
          />
        ))
      }
    />
  );
}
