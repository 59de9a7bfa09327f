// Alerts of Prometheus' rules: what, where, since when, with links to runbook and dashboard.
import { dateTimeFormatTimeAgo, type PanelProps } from '@grafana/data';
import { Badge, ScrollContainer, Stack, Text, TextLink } from '@grafana/ui';
import { type JSX, useEffect, useState } from 'react';
import { ask } from '../prometheus/api';
import { type AlertAnswer, type Labels, type RuleAnswer, type RulesAnswer } from '../prometheus/model';

type State = AlertAnswer['state'];

export interface AlertListOptions {
  alertName: string;
  maxItems: number;
  stateFilter: { firing: boolean; pending: boolean; normal: boolean };
}

const BY_IMPORTANCE: State[] = ['firing', 'pending', 'inactive'];
const NOT_LISTED = new Set(['alertname', 'severity']);

export function AlertList({ options, timeRange }: PanelProps<AlertListOptions>): JSX.Element {
  const [rules, setRules] = useState<RuleAnswer[]>();
  const [problem, setProblem] = useState<string>();
  // The range changes with every refresh of the dashboard.
  useEffect(() => {
    const abort = new AbortController();
    ask<RulesAnswer>('rules', { type: 'alert' }, abort.signal).then(
      (answer) => {
        setProblem(undefined);
        setRules(answer.groups.flatMap((group) => group.rules));
      },
      (error: unknown) => {
        if (!abort.signal.aborted) {
          setProblem(error instanceof Error ? error.message : String(error));
        }
      },
    );
    return () => abort.abort();
  }, [timeRange]);
  const shown = (rules ?? []).filter((rule) => isWanted(rule, options)).sort(byImportance);
  return (
    <ScrollContainer>
      <Stack direction="column" gap={1}>
        {problem && <Text color="error">{problem}</Text>}
        {rules && shown.length === 0 && <Text color="secondary">No alert fires</Text>}
        {shown.slice(0, options.maxItems).map((rule) => (
          <Rule key={rule.name} rule={rule} />
        ))}
      </Stack>
    </ScrollContainer>
  );
}

function isWanted(rule: RuleAnswer, { stateFilter, alertName }: AlertListOptions): boolean {
  const isChosen = { firing: stateFilter.firing, pending: stateFilter.pending, inactive: stateFilter.normal }[rule.state];
  return isChosen && rule.name.includes(alertName);
}

function byImportance(a: RuleAnswer, b: RuleAnswer): number {
  return BY_IMPORTANCE.indexOf(a.state) - BY_IMPORTANCE.indexOf(b.state) || a.name.localeCompare(b.name);
}

function Rule({ rule }: { rule: RuleAnswer }): JSX.Element {
  const since = rule.alerts.map((alert) => alert.activeAt).sort()[0];
  const [alert] = rule.alerts;
  return (
    <div>
      <Stack justifyContent="space-between" wrap="wrap">
        <Text weight="medium">{rule.alerts.length > 1 ? `${rule.name} (${rule.alerts.length})` : rule.name}</Text>
        <Badge text={rule.state} color={rule.state === 'firing' ? 'red' : rule.state === 'pending' ? 'orange' : 'green'} />
      </Stack>
      <Stack gap={1} wrap="wrap">
        {since && <Text variant="bodySmall" color="secondary">{`since ${dateTimeFormatTimeAgo(since)}`}</Text>}
        {alert && <Text variant="bodySmall" color="secondary">{placeOf(alert.labels)}</Text>}
        <Way text="Runbook" address={(alert ?? rule).annotations.runbook_url} />
        <Way text="Dashboard" address={(alert ?? rule).annotations.dashboard_url} />
      </Stack>
      {alert?.annotations.summary && <Text variant="bodySmall">{alert.annotations.summary}</Text>}
    </div>
  );
}

function placeOf(labels: Labels): string {
  return Object.entries(labels)
    .filter(([name]) => !NOT_LISTED.has(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** A link, but only to this page or to http(s) URLs: the text of rules is not trusted. */
function Way({ text, address }: { text: string; address: string | undefined }): JSX.Element | null {
  if (!address || !/^(\/(?!\/)|https?:\/\/)/.test(address)) {
    return null;
  }
  const isHere = address.startsWith('/');
  return (
    <TextLink href={address} external={!isHere} inline variant="bodySmall">
      {text}
    </TextLink>
  );
}
