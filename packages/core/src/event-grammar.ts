/** Characters. */
const MAX_SUBJECT_LENGTH = 200;
const MAX_PAYLOAD_BYTES = 1_048_576;

const SUBJECT = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const PATTERN = /^(?:>|(?:[A-Za-z0-9_-]+|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))*(?:\.>)?)$/;

/** Whether `publish` takes this subject. */
export function isSubject(subject: string): boolean {
  return subject.length <= MAX_SUBJECT_LENGTH && SUBJECT.test(subject);
}

/** What every `publish` begins with. @throws RangeError that says what is accepted */
export function checkEvent(subject: string, payload: string): void {
  if (!isSubject(subject)) {
    throw new RangeError(
      `a subject is words of [A-Za-z0-9_-] with dots between them, at most ${MAX_SUBJECT_LENGTH} characters; got ${JSON.stringify(subject.slice(0, 300))}`,
    );
  }
  if (payload.includes('\0')) throw new RangeError(`the payload of ${subject} contains NUL`);
  // Half of a pair alone, which UTF-8 has no form for: the driver would send U+FFFD in its place.
  if (/\p{Surrogate}/u.test(payload)) {
    throw new RangeError(`the payload of ${subject} contains half of a surrogate pair`);
  }
  // In UTF-8 a character of a string takes three bytes at most.
  if (payload.length * 3 <= MAX_PAYLOAD_BYTES) return;
  const size = new TextEncoder().encode(payload).length;
  if (size > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`the payload of ${subject} has ${size} bytes; at most ${MAX_PAYLOAD_BYTES} are accepted`);
  }
}

/** Tells which subjects `pattern` means. @throws RangeError for a pattern of another form */
export function subjectMatcher(pattern: string): (subject: string) => boolean {
  if (pattern.length > MAX_SUBJECT_LENGTH || !PATTERN.test(pattern)) {
    throw new RangeError(
      `a pattern is a subject in which * stands for one word and a last > for one or more; got ${JSON.stringify(pattern.slice(0, 300))}`,
    );
  }
  const words = pattern.split('.');
  const isOpen = words.at(-1) === '>';
  const fixed = isOpen ? words.slice(0, -1) : words;
  return (subject) => {
    const parts = subject.split('.');
    if (isOpen ? parts.length <= fixed.length : parts.length !== fixed.length) return false;
    return fixed.every((word, i) => word === '*' || word === parts[i]);
  };
}
