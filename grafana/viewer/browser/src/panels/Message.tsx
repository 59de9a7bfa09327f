// The message of a panel without data.
import { css } from '@emotion/css';
import { type GrafanaTheme2, LoadingState, type PanelData } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { JSX } from 'react';

interface Props {
  data: PanelData;
  noValue?: string;
}

/** The error, or else the panel's own text for "no data"; nothing before the first answer. */
export function Message({ data, noValue }: Props): JSX.Element | null {
  const styles = useStyles2(getStyles);
  if (data.state === LoadingState.Loading) {
    return null;
  }
  const error = data.errors?.[0]?.message ?? data.error?.message;
  if (error) {
    return <Problem text={error} />;
  }
  return (
    <div className={styles.box} data-viewer-state="empty">
      <span className={styles.text}>{noValue ?? 'No data'}</span>
    </div>
  );
}

export function Problem({ text }: { text: string }): JSX.Element {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.box} role="alert" data-viewer-state="error">
      <span className={styles.error}>{text}</span>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    height: '100%',
    overflow: 'auto',
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    textAlign: 'center',
    overflowWrap: 'anywhere',
  }),
  text: css({ color: theme.colors.text.secondary }),
  error: css({ color: theme.colors.error.text, maxHeight: '100%' }),
});
