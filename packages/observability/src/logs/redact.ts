/** Stands where a secret was. */
export const REDACTED = '[redacted]';

/** Ends of names, in lower case without separators, whose value is a secret: `access_token`, `X-Api-Key`, `setCookie`. */
const SECRET_NAME =
  /(?:authorization|cookies?|tokens?|passwords?|passwd|passphrase|secrets?|signature|apikeys?|accesskey|secretkey|privatekey|credentials?|sessionid|^(?:pass|pwd|jwt|bearer|otp|sig))$/;
const SEPARATORS = /[-_.\s]/g;

/** Longer names are no field names of ours; looking at their end alone keeps the cost bounded. */
const MAX_NAME_LENGTH = 128;
const MAX_CACHED_NAMES = 2000;
const known = new Map<string, boolean>();

/** Whether the value of a field, header or parameter with this name is a secret, by the name alone. */
export function isSecretName(name: string): boolean {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const secret = SECRET_NAME.test(name.slice(-MAX_NAME_LENGTH).replace(SEPARATORS, '').toLowerCase());
  if (known.size < MAX_CACHED_NAMES && name.length <= MAX_NAME_LENGTH) known.set(name, secret);
  return secret;
}

/** Every shape below contains one of these. Ids, paths and other words have none of them and are done. */
const COMPOSED = /[\s:=]|eyJ/;
/** What makes a sentence or a URL worth the closer look. */
const SUSPICIOUS =
  /:\/\/|=|eyJ|bearer|basic|["']\s{0,8}:|(?:cookie|authorization|key|password|secret|token): |-----BEGIN /i;

/** "bearer token" and the like are talk about a credential, not one. */
const NOT_A_CREDENTIAL = String.raw`(?!(?:tokens?|auth\w*|scheme|headers?|credentials?)(?:[\s,.;:]|$))`;
/** Names in free text; a longer name that ends in one of them matches as well. */
const NAME = String.raw`(?:token|passw(?:or)?d|pwd|secret|signature|\bsig|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|cookie|authorization)`;

function shape(source: string, flags: string): RegExp {
  return new RegExp(source, flags);
}

// All linear: what they repeat is bounded or can't begin again inside itself.
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [shape(String.raw`\b(bearer\s{1,8})${NOT_A_CREDENTIAL}[A-Za-z0-9\-._~+/]+=*`, 'gi'), `$1${REDACTED}`],
  // Base64 of user:password has a capital or a digit; "basic settings" has none.
  [/\b([Bb]asic\s{1,8})(?=[a-z]*[A-Z0-9+/=])[A-Za-z0-9+/]{4,}={0,2}/g, `$1${REDACTED}`],
  // A JWS or JWE, also one that was cut: base64url of `{"`.
  [/eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g, REDACTED],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,8192}?(?:-----END[^-]{0,60}-----|$)/g, REDACTED],
  // The user part of a web address, whole: some services put the token where the name belongs.
  [/(https?:\/\/)[^\s/?#"'<>]{1,512}@/gi, `$1${REDACTED}@`],
  // The password of a connection string; nobody encodes those, so here a slash does not end it.
  [/(?<!https?)(:\/\/[^\s"'<>:@/]{0,256}:)[^\s"'<>]{1,512}@/gi, `$1${REDACTED}@`],
  // Query strings, form bodies, `key=value` connection strings.
  [shape(String.raw`(${NAME}=)(?:"[^"]*"?|'[^']*'?|[^&\s"'#;,]+)`, 'gi'), `$1${REDACTED}`],
  // JSON and its like inside a text, quotes escaped or not.
  [shape(String.raw`(${NAME}\\{0,3}["']?\s{0,8}:\s{0,8}\\{0,3}(["']))(?:(?!\2)[^\\]|\\[^])*`, 'gi'), `$1${REDACTED}`],
  // A header, to the end of its line.
  [/((?:authorization|cookie|api[-_]?key):\s{0,8})[^\r\n"']+/gi, `$1${REDACTED}`],
];

const MAX_PLAIN_CHARS = 1024;
/** What makes a text composed, what JSON escapes, and what is not printable ASCII. */
const NOT_PLAIN = /[^!#-9;<>-[\]-~]|eyJ/;

/**
 * Whether a text goes into a line as it is: short, nothing to redact, nothing to escape. Says no to some that would;
 * what it says yes to, `redactText` and JSON leave alone.
 */
export function isPlainText(text: string): boolean {
  return text.length <= MAX_PLAIN_CHARS && !NOT_PLAIN.test(text);
}

/** The text with every credential replaced that its shape gives away: bearer tokens, JWTs, passwords in URLs and queries. */
export function redactText(text: string): string {
  if (!COMPOSED.test(text) || !SUSPICIOUS.test(text)) return text;
  let redacted = text;
  for (const [pattern, replacement] of SHAPES) redacted = redacted.replace(pattern, replacement);
  return redacted;
}
