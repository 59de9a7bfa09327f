// The properties that every field can have in fieldConfig, as Grafana registers them.
import {
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  type Field,
  type FieldConfigPropertyItem,
  FieldType,
  identityOverrideProcessor,
  numberOverrideProcessor,
  stringOverrideProcessor,
  ThresholdsMode,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';

type Process = FieldConfigPropertyItem['process'];

const PROCESSORS: Record<string, Process> = {
  displayName: displayNameOverrideProcessor,
  unit: unitOverrideProcessor,
  noValue: stringOverrideProcessor,
  description: stringOverrideProcessor,
  color: identityOverrideProcessor,
  links: dataLinksOverrideProcessor,
  mappings: valueMappingsOverrideProcessor,
  filterable: booleanOverrideProcessor,
  fieldMinMax: booleanOverrideProcessor,
};
const NUMERIC_PROCESSORS: Record<string, Process> = {
  min: numberOverrideProcessor,
  max: numberOverrideProcessor,
  decimals: numberOverrideProcessor,
  thresholds: thresholdsOverrideProcessor,
};

/** Grafana's defaults. */
const DEFAULTS: Record<string, unknown> = {
  mappings: [],
  thresholds: {
    mode: ThresholdsMode.Absolute,
    steps: [
      { value: -Infinity, color: 'green' },
      { value: 80, color: 'red' },
    ],
  },
};

const nothing = () => null;

/** A property of fieldConfig that is applied, and never edited. */
export function fieldProperty(
  id: string,
  process: Process,
  shouldApply: (field: Field) => boolean = () => true,
): FieldConfigPropertyItem {
  const defaultValue = DEFAULTS[id];
  return { id, path: id, name: id, defaultValue, process, shouldApply, editor: nothing, override: nothing, settings: {} };
}

export function standardFieldProperties(): FieldConfigPropertyItem[] {
  const isNumeric = (field: Field) => field.type === FieldType.number;
  return [
    ...Object.entries(PROCESSORS).map(([id, process]) => fieldProperty(id, process)),
    ...Object.entries(NUMERIC_PROCESSORS).map(([id, process]) => fieldProperty(id, process, isNumeric)),
  ];
}
