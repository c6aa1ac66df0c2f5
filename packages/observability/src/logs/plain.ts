import { isNativeError } from 'node:util/types';
import type { LogFields } from '@reactor/core';
import { isSecretName, REDACTED, redactText } from './redact.js';

/** Fields that hold JSON values only, without secrets, small enough for a line. */
export type PlainFields = Record<string, unknown>;

/** Characters of one text. A stack of ten frames takes about 1 000. */
const MAX_TEXT_CHARS = 8 * 1024;
/** A secret that the cut would split must still be seen whole. */
const REDACT_AHEAD_CHARS = 1024;
/** Characters of all names and values of a line; longer ones are split or refused by collectors (Docker: 16 KiB). */
const MAX_LINE_CHARS = 32 * 1024;
/** What a value costs in addition to its characters, so that a million empty ones do not fit either. */
const VALUE_CHARS = 8;
const MAX_NAME_CHARS = 128;
const MAX_DEPTH = 6;
const MAX_ITEMS = 100;

/** Listed and not all there are: libraries hang whole requests and configurations on their errors. */
const ERROR_KEYS = ['message', 'code', 'stack', 'cause', 'errors'];

/**
 * Adds `fields` to `into` as plain values. Whatever a value does when it is looked at (a getter or `toJSON` that
 * throws, a cycle), this does not throw: such a value is replaced by a word in brackets.
 */
export function addFields(into: PlainFields, fields: LogFields): PlainFields {
  try {
    return new Walk().copy(into, fields, 0);
  } catch {
    into.fields = '[unreadable]';
    return into;
  }
}

/** A line's message: redacted and cut like any other text. Whatever else a caller without types hands in, as JSON. */
export function plainMessage(message: unknown): string {
  const plain = new Walk().value(message, 1);
  return typeof plain === 'string' ? plain : JSON.stringify(plain ?? null);
}

/** One pass over the values of a line, with what is left of its size. */
class Walk {
  #charsLeft = MAX_LINE_CHARS;
  #ancestors: object[] | undefined;

  copy(into: PlainFields, from: object, depth: number): PlainFields {
    const keys = Object.keys(from);
    const length = Math.min(keys.length, MAX_ITEMS);
    let copied = 0;
    for (; copied < length && this.#charsLeft > 0; copied++) {
      const key = keys[copied] as string;
      const value = this.#field(from, key, depth + 1);
      if (value !== undefined) put(into, nameOf(key, depth), value);
    }
    if (copied < keys.length) into['…'] = `[cut from ${keys.length} fields]`;
    return into;
  }

  value(value: unknown, depth: number): unknown {
    this.#charsLeft -= VALUE_CHARS;
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return Number.isFinite(value) ? value : String(value);
      case 'boolean':
      case 'undefined':
        return value;
      case 'object':
        return value === null ? null : this.#object(value, depth);
      case 'function':
        return '[function]';
      default:
        return this.#text(String(value));
    }
  }

  #field(owner: object, key: string, depth: number): unknown {
    this.#charsLeft -= key.length;
    try {
      const value = (owner as PlainFields)[key];
      return isSecretName(key) && isWorthHiding(value) ? REDACTED : this.value(value, depth);
    } catch {
      return '[unreadable]';
    }
  }

  #text(text: string): string {
    const limit = Math.min(MAX_TEXT_CHARS, Math.max(0, this.#charsLeft));
    const redacted = redactText(text.length > limit ? text.slice(0, limit + REDACT_AHEAD_CHARS) : text);
    this.#charsLeft -= Math.min(redacted.length, limit);
    return text.length <= limit ? redacted : `${redacted.slice(0, limit)}… [cut from ${text.length} characters]`;
  }

  #object(value: object, depth: number): unknown {
    this.#ancestors ??= [];
    if (this.#ancestors.includes(value)) return '[circular]';
    if (depth > MAX_DEPTH) return '[nested too deep]';
    this.#ancestors.push(value);
    try {
      return this.#contents(value, depth);
    } catch {
      return '[unreadable]';
    } finally {
      this.#ancestors.pop();
    }
  }

  #contents(value: object, depth: number): unknown {
    if (value instanceof Error || isNativeError(value)) return this.#error(value, depth);
    if (Array.isArray(value)) return this.#array(value, depth);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (value instanceof RegExp) return this.#text(String(value));
    if (value instanceof Set) return this.#array([...value], depth);
    if (value instanceof Map) {
      const entries = Array.from(value, ([key, item]): [string, unknown] => [String(key), item]);
      return this.copy({}, Object.fromEntries(entries), depth);
    }
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.value(value.toJSON(), depth + 1);
    return this.copy({}, value, depth);
  }

  #array(value: readonly unknown[], depth: number): unknown[] {
    const plain: unknown[] = [];
    const length = Math.min(value.length, MAX_ITEMS);
    for (let i = 0; i < length && this.#charsLeft > 0; i++) {
      const item = value[i];
      const name = value[i - 1];
      // Header lists come as name and value side by side.
      const secret = typeof name === 'string' && typeof item === 'string' && isSecretName(name);
      plain.push(secret ? REDACTED : this.value(item, depth + 1));
    }
    if (value.length > plain.length) plain.push(`[cut from ${value.length} items]`);
    return plain;
  }

  #error(error: Error, depth: number): PlainFields {
    const plain: PlainFields = { type: this.#field(error, 'name', depth + 1) };
    for (const key of ERROR_KEYS) {
      const value = this.#field(error, key, depth + 1);
      if (value !== undefined) plain[key] = value;
    }
    return plain;
  }
}

/** Whether a value under a secret name could be one; `has_token: true` and an absent password are worth seeing. */
function isWorthHiding(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && typeof value !== 'boolean';
}

function nameOf(key: string, depth: number): string {
  // The line's own message keeps its name.
  if (depth === 0 && key === 'message') return '_message';
  return key.length > MAX_NAME_CHARS ? `${key.slice(0, MAX_NAME_CHARS)}…` : key;
}

function put(into: PlainFields, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(into, key, { value, enumerable: true, configurable: true });
  else into[key] = value;
}
