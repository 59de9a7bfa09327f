import { Stack, Text, TextLink } from '@grafana/ui';
import type { JSX } from 'react';
import { type Labels } from '../prometheus/model';
import { exemplarLinks } from '../variables/exemplarLinks';

interface Props {
  time: string;
  value: string;
  labels: Labels;
}

/** One observation: time, value, labels, and the link to its job. */
export function ExemplarDetails({ time, value, labels }: Props): JSX.Element {
  const shown = Object.entries(labels).filter(([name]) => name !== 'le' && name !== '__name__');
  return (
    <Stack direction="column" gap={0.5}>
      <Text variant="bodySmall">{time}</Text>
      <Text weight="medium">{value}</Text>
      {shown.map(([name, text]) => (
        <Text key={name} variant="bodySmall">{`${name}: ${text}`}</Text>
      ))}
      {exemplarLinks(labels).map((link) => (
        <TextLink key={link.href} href={link.href} external>
          {link.title}
        </TextLink>
      ))}
    </Stack>
  );
}
