import { expect, test } from 'vitest';
import { compilePolicy, isPolicyStatement } from './policy.js';

test('one scope keeps the name', () => {
  expect(compilePolicy('policy mine on notes for select using (owner_id = auth.user_id())')).toEqual([
    'CREATE POLICY "mine" ON "notes" AS PERMISSIVE FOR SELECT TO reactor_authenticated USING ("owner_id" = (SELECT auth.user_id()))',
  ]);
});

test('several scopes are several policies, and a check is restrictive', () => {
  expect(
    compilePolicy(`POLICY Mine ON public.notes FOR all
      USING (owner_id = auth.user_id()) -- who has it
      CHECK (auth.has_permission('notes:write'))`),
  ).toEqual([
    'CREATE POLICY "mine_select" ON "public"."notes" AS PERMISSIVE FOR SELECT TO reactor_authenticated USING ("owner_id" = (SELECT auth.user_id()))',
    'CREATE POLICY "mine_insert" ON "public"."notes" AS PERMISSIVE FOR INSERT TO reactor_authenticated WITH CHECK (true)',
    `CREATE POLICY "mine_insert_check" ON "public"."notes" AS RESTRICTIVE FOR INSERT TO reactor_authenticated WITH CHECK ((SELECT auth.has_permission('notes:write')))`,
    'CREATE POLICY "mine_update" ON "public"."notes" AS PERMISSIVE FOR UPDATE TO reactor_authenticated USING ("owner_id" = (SELECT auth.user_id())) WITH CHECK (true)',
    `CREATE POLICY "mine_update_check" ON "public"."notes" AS RESTRICTIVE FOR UPDATE TO reactor_authenticated USING (true) WITH CHECK ((SELECT auth.has_permission('notes:write')))`,
    'CREATE POLICY "mine_delete" ON "public"."notes" AS PERMISSIVE FOR DELETE TO reactor_authenticated USING ("owner_id" = (SELECT auth.user_id()))',
  ]);
});

test.each([
  ['a = 1 or b = 2 and not c', '("a" = 1 OR "b" = 2 AND NOT ("c"))'],
  ['(a or b) and c', '(("a" OR "b") AND "c")'],
  ['not not a', '("a")'],
  [`s like 'it''s %' and "Odd ""Name""" <> -1.5`, `("s" LIKE 'it''s %' AND "Odd ""Name""" <> -1.5)`],
  ['a is null and b is not null', '("a" IS NULL AND "b" IS NOT NULL)'],
  ["a in (1, 2) or b not in ('x')", `("a" IN (1, 2) OR "b" NOT IN ('x'))`],
  ['notes.a != true', '("notes"."a" != TRUE)'],
  ['auth.in_org(org_id)', '(("org_id" = (SELECT auth.org_id())))'],
  [
    "auth.is_authenticated() and auth.role() = 'owner'",
    `((SELECT auth.is_authenticated()) AND (SELECT auth.role()) = 'owner')`,
  ],
  ['"auth".user_id = 1', '("auth"."user_id" = 1)'],
  ['"object".key = 1', '("object"."key" = 1)'],
])('%s', (expression, sql) => {
  expect(compilePolicy(`policy p on t for select using (${expression})`)[0]).toMatch(
    new RegExp(`USING ${sql.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`),
  );
});

test.each([
  ['policy', '"the name of the policy'.slice(1)],
  ['policy p t for select using (true)', '"on" was expected, not "t"'],
  ['policy p on t for truncate using (true)', 'select, insert, update, delete or all was expected'],
  ['policy p on t for select', 'a policy for select needs using'],
  ['policy p on t for insert using (true)', 'a policy for insert needs check'],
  ['policy p on t for select using (true) check (true)', 'it needs the scope insert or update'],
  ['policy p on t for select using true', '"(" was expected, not "true"'],
  ['policy p on t for select using (a = )', 'an expression was expected, not ")"'],
  ['policy p on t for select using (a = 1', '")" was expected, not the end'],
  ['policy p on t for select using (true) or true', 'using, check or the end was expected, not "or"'],
  ['policy p on t for select using (now() > a)', 'only functions of auth may be called, not now()'],
  ['policy p on t for select using (auth.jwt() = a)', 'there is no auth.jwt; there are auth.user_id'],
  ['policy p on t for select using (auth.constructor())', 'there is no auth.constructor'],
  ['policy p on t for select using (auth.user_id(1) = a)', '")" was expected, not "1"'],
  ['policy p on t for select using (auth.has_permission(a))', 'as a string was expected, not "a"'],
  ['policy p on t for select using (object.key = a)', 'object.key has no meaning'],
  ['policy p on t for select using (a::text = b)', '":" is not part of the policy dialect'],
  ['policy p on t for select using (a; drop table t)', '";" is not part'],
  [`policy ${'p'.repeat(64)} on t for select using (true)`, 'longer than the 63 bytes'],
  [`policy p on t for select using (${'('.repeat(60)}a${')'.repeat(60)})`, 'more than 50 levels'],
])('refuses %j', (statement, problem) => {
  expect(() => compilePolicy(statement)).toThrow(problem);
});

test('tells policies from other statements', () => {
  expect(isPolicyStatement('policy p on t')).toBe(true);
  expect(isPolicyStatement('CREATE POLICY p ON t')).toBe(false);
  expect(isPolicyStatement('policyholders')).toBe(false);
});
