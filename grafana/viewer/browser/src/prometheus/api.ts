// Prometheus' HTTP API, through the viewer's own server.
import { BehaviorSubject } from 'rxjs';

const ROOT = '/api/prometheus/';

/** Why Prometheus is unreachable; undefined while it answers. */
export const unreachable = new BehaviorSubject<string | undefined>(undefined);

/** Prometheus, or the viewer's server in front of it, refused or failed. */
export class PrometheusError extends Error {
  constructor(
    message: string,
    readonly isUnreachable: boolean,
  ) {
    super(message);
  }
}

interface Answer<Data> {
  status: 'success' | 'error';
  data: Data;
  error?: string;
  errorType?: string;
  warnings?: string[];
}

export type Parameters = Record<string, string | number>;

/** Returns the answer of a path of /api/v1. Rejects with a PrometheusError, or an AbortError after a signal. */
export async function ask<Data>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Data> {
  try {
    const answer = await fetched<Data>(path, parameters, signal);
    unreachable.next(undefined);
    return answer;
  } catch (error) {
    if (error instanceof PrometheusError) {
      unreachable.next(error.isUnreachable ? error.message : undefined);
    }
    throw error;
  }
}

async function fetched<Data>(path: string, parameters: Parameters, signal?: AbortSignal): Promise<Data> {
  const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  // POST, because a long query would not fit into a URL. Prometheus serves label values only by GET.
  const byPost = path.startsWith('query') || path === 'series';
  const request = byPost ? fetch(ROOT + path, { method: 'POST', body: query, signal }) : fetch(`${ROOT}${path}?${query}`, { signal });
  const response = await request.catch((error: unknown) => {
    if (signal?.aborted) {
      throw error;
    }
    throw new PrometheusError('The server of this page does not answer', true);
  });
  const answer = await readAnswer<Data>(response);
  if (answer.status !== 'success') {
    throw new PrometheusError(answer.error ?? `HTTP status ${response.status}`, answer.errorType === 'unreachable');
  }
  return answer.data;
}

async function readAnswer<Data>(response: Response): Promise<Answer<Data>> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer<Data>;
  } catch {
    throw new PrometheusError(`No answer of Prometheus (HTTP status ${response.status}): ${text.slice(0, 200)}`, false);
  }
}
