import { expect, test } from 'vitest';
import { parseDataConfig } from './config.js';

test('has defaults for everything', () => {
  expect(parseDataConfig(undefined)).toEqual({
    migrationsDir: undefined,
    defaultLimit: 100,
    maxLimit: 1000,
    statementTimeoutMs: 10_000,
    anonymousStatementTimeoutMs: 3_000,
    maxEmbedDepth: 5,
    maxBodyBytes: 10_485_760,
    maxResultBytes: 33_554_432,
    planEnabled: false,
    anonymousFunctions: false,
  });
});

test('reads every key', () => {
  const section = {
    migrations_dir: 'db/migrations',
    default_limit: 1,
    max_limit: 2,
    statement_timeout_ms: 3,
    anonymous_statement_timeout_ms: 2,
    max_embed_depth: 0,
    max_body_bytes: 4,
    max_result_bytes: 5,
    plan_enabled: true,
    anonymous_functions: true,
  };
  expect(Object.values(parseDataConfig(section))).toEqual(Object.values(section));
});

test('names every bad key and what is accepted there', () => {
  expect(() => parseDataConfig({ max_limit: 0, plan_enabled: 'yes', limit: 1 })).toThrow(
    /data\.max_limit: must be a whole number from 1.*data\.plan_enabled: must be true or false.*data\.limit: unknown key/,
  );
  expect(() => parseDataConfig({ max_embed_depth: 21 })).toThrow('data.max_embed_depth: must be a whole number from 0');
  expect(() => parseDataConfig({ default_limit: 50, max_limit: 20 })).toThrow('data.default_limit: must be at most');
  expect(() => parseDataConfig({ migrations_dir: '' })).toThrow('data.migrations_dir: must be a path');
});
