// The pages that exemplars link to, from the provisioned data source.
import { type Labels } from '../prometheus/model';

export interface Destination {
  label: string;
  url: string;
  title: string;
}

let destinations: Destination[] = [];

export function setDestinations(given: Destination[]): void {
  destinations = given;
}

export function exemplarLinks(labels: Labels): { href: string; title: string }[] {
  return destinations.flatMap(({ label, url, title }) => {
    const value = labels[label];
    return value ? [{ title, href: url.replaceAll('${__value.raw}', encodeURIComponent(value)) }] : [];
  });
}
