import { type PanelProps, renderMarkdown } from '@grafana/data';
import { RenderUserContentAsHTML, ScrollContainer } from '@grafana/ui';
import type { JSX } from 'react';

export interface WordsOptions {
  content: string;
}

export function Words({ options, replaceVariables }: PanelProps<WordsOptions>): JSX.Element {
  const html = renderMarkdown(replaceVariables(options.content, {}, 'html'));
  return (
    <ScrollContainer>
      <RenderUserContentAsHTML className="markdown-html" content={html} />
    </ScrollContainer>
  );
}
