/** The oldest Node.js that everything here runs on, as in `engines` of package.json. */
const OLDEST = [20, 19] as const;

/** Ends the process with a clear line where Node.js is older. Imports nothing: what is imported may not even parse there. */
export function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  process.stderr.write(`reactor: needs Node.js ${OLDEST.join('.')} or newer, this is v${process.versions.node}\n`);
  process.exit(2);
}
