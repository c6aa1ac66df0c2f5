import { expect, test } from 'vitest';
import { callingOnce, callsPerRow, usingCondition } from './calls-per-row.js';

test.each([
  ['owner_id = auth.user_id()', 'owner_id = (SELECT auth.user_id())'],
  ['(owner_id = auth.user_id())', '(owner_id = (SELECT auth.user_id()))'],
  ['AUTH . User_Id ( ) = a', '(SELECT AUTH . User_Id ( )) = a'],
  [`(auth.jwt() ->> 'plan'::text) = 'pro'::text`, `((SELECT auth.jwt()) ->> 'plan'::text) = 'pro'::text`],
  [`auth.role() = 'owner' OR auth.email() = e`, `(SELECT auth.role()) = 'owner' OR (SELECT auth.email()) = e`],
  [`auth.has_permission('it''s'::text)`, `(SELECT auth.has_permission('it''s'::text))`],
  [
    'auth.in_org(CASE WHEN a THEN b ELSE c END)',
    'coalesce((CASE WHEN a THEN b ELSE c END) = (SELECT auth.org_id()), false)',
  ],
  ['NOT auth.in_org(org_id)', 'NOT coalesce(org_id = (SELECT auth.org_id()), false)'],
  [
    'NOT (auth.is_authenticated() AND auth.session_id() = s)',
    'NOT ((SELECT auth.is_authenticated()) AND (SELECT auth.session_id()) = s)',
  ],
])('%s becomes %s', (expression, fixed) => {
  expect(callingOnce(expression)).toBe(fixed);
  expect(callsPerRow(fixed)).toEqual([]);
});

test.each([
  'owner_id = (select auth.user_id())',
  '(owner_id = ( SELECT auth.user_id() AS user_id))',
  'EXISTS (SELECT 1 FROM members m WHERE m.user_id = (auth.user_id()))',
  'auth.has_permission(permission)',
  'auth.user_id',
  'auth.other()',
  `note = 'auth.user_id()' OR "auth.user_id()" -- auth.user_id()`,
])('%s has none', (expression) => {
  expect(callsPerRow(expression)).toEqual([]);
});

test.each([
  ['CREATE POLICY p ON t USING (a = b) WITH CHECK (c)', 'a = b'],
  ['alter policy p on t using ((a) and (b))', '(a) and (b)'],
  ['CREATE POLICY p ON t FOR INSERT WITH CHECK (owner_id = auth.user_id())', undefined],
  ['CREATE POLICY p ON t USING (a', 'a'],
  ['CREATE INDEX i ON t USING btree (a)', undefined],
  ['SELECT 1', undefined],
])('the condition of %j', (statement, condition) => {
  const found = usingCondition(statement);
  expect(found && statement.slice(found.start, found.end)).toBe(condition);
});
