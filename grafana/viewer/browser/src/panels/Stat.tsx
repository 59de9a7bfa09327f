import { type DisplayValueAlignmentFactors, type FieldDisplay, getDisplayValueAlignmentFactors, type PanelProps } from '@grafana/data';
import {
  type BigValueColorMode,
  BigValueGraphMode,
  type BigValueJustifyMode,
  BigValueTextMode,
  type PercentChangeColorMode,
  type SingleStatBaseOptions,
} from '@grafana/schema';
import { BigValue, useTheme2, VizRepeater } from '@grafana/ui';
import type { JSX } from 'react';
import { Message } from './Message';
import { useFieldDisplays, withLinks } from './numbers';

export interface StatOptions extends SingleStatBaseOptions {
  graphMode: BigValueGraphMode;
  colorMode: BigValueColorMode;
  justifyMode: BigValueJustifyMode;
  textMode: BigValueTextMode;
  wideLayout: boolean;
  showPercentChange: boolean;
  percentChangeColorMode: PercentChangeColorMode;
}

export function Stat(props: PanelProps<StatOptions>): JSX.Element {
  const { options, width, height, data, renderCounter, fieldConfig } = props;
  const theme = useTheme2();
  const getValues = useFieldDisplays(props, {
    sparkline: options.graphMode !== BigValueGraphMode.None,
    percentChange: options.showPercentChange,
  });
  if (data.series.length === 0 && data.errors?.length) {
    return <Message data={data} />;
  }
  const isAlone = getValues().length === 1 && !fieldConfig.defaults.displayName;
  const textMode = options.textMode === BigValueTextMode.Auto && isAlone ? BigValueTextMode.Value : options.textMode;
  const isEmpty = data.series.every((frame) => frame.length === 0);
  return (
    <div data-viewer-state={isEmpty ? 'empty' : undefined}>
      <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={data}
      renderCounter={renderCounter}
      width={width}
      height={height}
      autoGrid
      orientation={options.orientation}
      renderValue={(one) =>
        withLinks(one.value, (openMenu, className) => (
          <BigValue
            value={one.value.display}
            count={one.count}
            sparkline={one.value.sparkline}
            colorMode={options.colorMode}
            graphMode={options.graphMode}
            justifyMode={options.justifyMode}
            textMode={textMode}
            alignmentFactors={one.alignmentFactors}
            text={options.text}
            width={one.width}
            height={one.height}
            theme={theme}
            onClick={openMenu}
            className={className}
            disableWideLayout={!options.wideLayout}
            percentChangeColorMode={options.percentChangeColorMode}
          />
        ))
      }
    />
    </div>
  );
}
