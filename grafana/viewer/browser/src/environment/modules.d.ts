declare module 'icon-texts' {
  /** The SVG of each icon, by the end of its path. */
  const texts: Record<string, string>;
  export default texts;
}
