import { printable } from '@reactor/core/terminal';
import { EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { type Color, columns, formatBytes, localTime, type Paint } from '../../text.js';
import { callPath, type Deployment, type FunctionInfo, FunctionsServer, MOST_DEPLOYMENTS } from './server.js';
import { variableRows } from './variables.js';

/** For people; programs get all that the server gives. */
const SHOWN_DEPLOYMENTS = 10;

const MARKS: Readonly<Record<string, readonly [Color, string]>> = { ready: ['green', '✔'], failed: ['red', '✖'] };

/** `reactor functions show`: what answers, how it is set, the newest deployments, and the variables. */
export async function show(client: Client, output: Output, name: string): Promise<number> {
  const server = new FunctionsServer(client, output.signal);
  const found = await server.get(name);
  const deployments = await server.deployments(name, MOST_DEPLOYMENTS);
  const variables = await server.variables(name);
  const url = client.urlOf(callPath(name)).href;
  await output.result({ function: found, url, deployments, variables }, () => {
    const current = deployments.find(({ id }) => id === found.current_deployment_id);
    const parts = [
      `${printable(found.name)}\n${columns(aboutRows(found, url, current).map((row) => ['', ...row]))}`,
      deployments.length === 0
        ? 'no deployments\n'
        : `deployments\n${columns(deployments.slice(0, SHOWN_DEPLOYMENTS).map((one) => deploymentRow(one, found, output.paint)))}`,
      variables.length === 0
        ? 'no variables\n'
        : `variables\n${columns(variableRows(variables).map((row) => ['', ...row]))}`,
    ];
    return parts.join('\n');
  });
  return EXIT.ok;
}

function aboutRows(found: FunctionInfo, url: string, current: Deployment | undefined): string[][] {
  const { description, current_version: version, created_at: created } = found;
  return [
    ...(description == null || description === '' ? [] : [['description', printable(description)]]),
    ['version', version == null ? 'nothing promoted' : String(version)],
    ['url', url],
    ['created', localTime(created)],
    ...settingRows(current?.settings ?? {}),
  ];
}

/** `limits.timeout_ms`, as it is written in `function.json`. */
function settingRows(settings: Readonly<Record<string, unknown>>, prefix = ''): string[][] {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (typeof value === 'object' && value !== null) {
      return settingRows(value as Readonly<Record<string, unknown>>, `${prefix}${name}.`);
    }
    return [[printable(prefix + name), printable(String(value))]];
  });
}

function deploymentRow(deployment: Deployment, { current_deployment_id: currentId }: FunctionInfo, paint: Paint) {
  const { id, version, status, status_detail: detail, bundle_size: size, created_at: at } = deployment;
  const [color, mark] = MARKS[status] ?? ['yellow', '!'];
  const state = id === currentId ? 'current' : printable(status);
  const why = detail == null ? '' : printable(detail);
  return [paint(color, mark), String(version), state, localTime(at), formatBytes(size), printable(id), why];
}
