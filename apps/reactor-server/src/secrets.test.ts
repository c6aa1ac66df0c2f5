import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '@reactor/core';
import { temporaryDirectory } from '@reactor/testing';
import { expect, test } from 'vitest';
import { generatedSecrets, readAdminToken } from './secrets.js';

const BOTH = ['admin.token', 'auth.secret'];

async function stateDirectory(): Promise<string> {
  const directory = await temporaryDirectory();
  return path.join(directory, '.reactor');
}

test('they are made once, kept, and readable by their owner only', async () => {
  const directory = await stateDirectory();
  const made = await generatedSecrets(directory, BOTH);
  expect(await generatedSecrets(directory, BOTH)).toEqual(made);
  expect(await readAdminToken(directory)).toBe(made.get('admin.token'));
  expect(new Set(made.values()).size).toBe(2);
  for (const value of made.values()) expect(value.length).toBeGreaterThanOrEqual(43);
  expect((await readdir(directory)).sort()).toEqual(['admin-token', 'secrets.json']);
  for (const file of await readdir(directory)) {
    expect((await stat(path.join(directory, file))).mode & 0o777).toBe(0o600);
  }
});

test('nothing is written when nothing is missing', async () => {
  const directory = await stateDirectory();
  expect(await generatedSecrets(directory, [])).toEqual(new Map());
  await expect(stat(directory)).rejects.toThrow('ENOENT');
});

test('a secret that becomes missing later is added without changing the others', async () => {
  const directory = await stateDirectory();
  const first = await generatedSecrets(directory, ['auth.secret']);
  const second = await generatedSecrets(directory, BOTH);
  expect(second.get('auth.secret')).toBe(first.get('auth.secret'));
});

test('a damaged file is an error, never silently replaced', async () => {
  const directory = await stateDirectory();
  await generatedSecrets(directory, BOTH);
  await writeFile(path.join(directory, 'secrets.json'), '{"auth.secret": 7}');
  await expect(generatedSecrets(directory, BOTH)).rejects.toThrow(ConfigError);
  expect(await readFile(path.join(directory, 'secrets.json'), 'utf8')).toContain('7');
  await writeFile(path.join(directory, 'admin-token'), 'short');
  await expect(readAdminToken(directory)).rejects.toThrow('delete it');
});
