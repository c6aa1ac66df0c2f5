import { describe, expect, it } from 'vitest';
import { createSecretBox } from './secrets.js';

const OLD = 'o'.repeat(32);
const NEW = 'n'.repeat(32);
const FN = '0190a000-0000-7000-8000-00000000000a';
const OTHER_FN = '0190a000-0000-7000-8000-00000000000b';
const unreadable = expect.objectContaining({ code: 'secrets_unreadable', status: 500 });

describe('a secret box', () => {
  const box = createSecretBox(OLD, []);

  it.each(['', 'x', 'päss wörd ✓', 'x'.repeat(65_536)])('opens what it sealed', (value) => {
    expect(box.open(FN, 'KEY', box.seal(FN, 'KEY', value))).toBe(value);
  });

  it('seals the same value differently each time, and shows nothing of it', () => {
    const [first, second] = [box.seal(FN, 'KEY', 'visible'), box.seal(FN, 'KEY', 'visible')];
    expect(first.equals(second)).toBe(false);
    expect(first.includes('visible')).toBe(false);
  });

  it('does not open it in another place', () => {
    const sealed = box.seal(FN, 'KEY', 'value');
    expect(() => box.open(OTHER_FN, 'KEY', sealed)).toThrow(unreadable);
    expect(() => box.open(FN, 'KEY2', sealed)).toThrow(unreadable);
  });

  it('does not open what was changed or cut anywhere', () => {
    const sealed = box.seal(FN, 'KEY', 'value');
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] as number) ^ 1;
      expect(() => box.open(FN, 'KEY', changed)).toThrow(unreadable);
      expect(() => box.open(FN, 'KEY', sealed.subarray(0, i))).toThrow(unreadable);
    }
  });

  it('opens what a former secret sealed, and seals with the present one', () => {
    const sealed = box.seal(FN, 'KEY', 'value');
    const rotated = createSecretBox(NEW, ['p'.repeat(32), OLD]);
    expect(rotated.open(FN, 'KEY', sealed)).toBe('value');
    const again = rotated.seal(FN, 'KEY', 'value');
    expect(createSecretBox(NEW, []).open(FN, 'KEY', again)).toBe('value');
    expect(() => createSecretBox(NEW, []).open(FN, 'KEY', sealed)).toThrow(unreadable);
    expect(() => box.open(FN, 'KEY', again)).toThrow(unreadable);
  });

  it('names the key in its cause and not the value', () => {
    const sealed = box.seal(FN, 'API_KEY', 'hunter2');
    try {
      createSecretBox(NEW, []).open(FN, 'API_KEY', sealed);
      expect.unreachable();
    } catch (error) {
      expect(String((error as Error).cause)).toContain('API_KEY');
      expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain('hunter2');
    }
  });
});
