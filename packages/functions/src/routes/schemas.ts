import { z } from '@hono/zod-openapi';
import { ACCESS, type DeploymentRecord, type FunctionRecord, STATUSES } from '../deployment.js';
import type { ShownVariable } from '../environment.js';
import type { Promotion } from '../store/deployments.js';

/** A function on the wire. */
export const functionSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    description: z.string().nullable(),
    runtime: z.literal('bun'),
    current_deployment_id: z.uuid().nullable().describe('The promoted deployment, which answers calls.'),
    current_version: z.int().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .openapi('Function');

const settingsSchema = z
  .object({
    entry: z.string(),
    access: z.enum(ACCESS),
    limits: z.object({
      timeout_ms: z.int(),
      memory_mb: z.int(),
      max_body_in_mb: z.int(),
      max_body_out_mb: z.int(),
    }),
    concurrency: z.object({ max_instances: z.int(), max_concurrency: z.int() }),
    forward_authorization: z.boolean(),
    service: z.boolean(),
  })
  .openapi('FunctionSettings');

/** A deployment on the wire. */
export const deploymentSchema = z
  .object({
    id: z.uuid(),
    function_id: z.uuid(),
    version: z.int(),
    status: z.enum(STATUSES),
    status_detail: z.string().nullable().describe('Why it failed.'),
    bundle_sha256: z.string(),
    bundle_size: z.int().describe('Bytes.'),
    settings: settingsSchema
      .nullable()
      .describe('What `function.json` says, with the defaults of this server; null until the bundle was unpacked.'),
    created_at: z.iso.datetime(),
  })
  .openapi('Deployment');

/** What promoting or rolling back changed, on the wire. */
export const promotionSchema = z
  .object({ previous_deployment_id: z.uuid().nullable(), current_deployment_id: z.uuid() })
  .openapi('Promotion');

/** A variable on the wire. */
export const variableSchema = z
  .object({
    key: z.string(),
    value: z.string().optional().describe('Not there for a secret.'),
    is_secret: z.boolean(),
    last_updated_at: z.iso.datetime(),
  })
  .openapi('Variable');

export function functionJson(fn: FunctionRecord): z.infer<typeof functionSchema> {
  return {
    id: fn.id,
    name: fn.name,
    description: fn.description ?? null,
    runtime: 'bun',
    current_deployment_id: fn.currentDeploymentId ?? null,
    current_version: fn.currentVersion ?? null,
    created_at: fn.createdAt.toISOString(),
    updated_at: fn.updatedAt.toISOString(),
  };
}

export function deploymentJson(deployment: DeploymentRecord): z.infer<typeof deploymentSchema> {
  return {
    id: deployment.id,
    function_id: deployment.functionId,
    version: deployment.version,
    status: deployment.status,
    status_detail: deployment.statusDetail ?? null,
    bundle_sha256: deployment.sha256,
    bundle_size: deployment.sizeBytes,
    settings: deployment.settings === undefined ? null : settingsJson(deployment.settings),
    created_at: deployment.createdAt.toISOString(),
  };
}

function settingsJson(settings: NonNullable<DeploymentRecord['settings']>): z.infer<typeof settingsSchema> {
  const { limits, concurrency } = settings;
  return {
    entry: settings.entry,
    access: settings.access,
    limits: {
      timeout_ms: limits.timeoutMs,
      memory_mb: limits.memoryMb,
      max_body_in_mb: limits.maxBodyInMb,
      max_body_out_mb: limits.maxBodyOutMb,
    },
    concurrency: { max_instances: concurrency.maxInstances, max_concurrency: concurrency.maxConcurrency },
    forward_authorization: settings.forwardAuthorization,
    service: settings.service,
  };
}

export function promotionJson(promotion: Promotion): z.infer<typeof promotionSchema> {
  return {
    previous_deployment_id: promotion.previousDeploymentId ?? null,
    current_deployment_id: promotion.currentDeploymentId,
  };
}

export function variableJson({ key, value, isSecret, updatedAt }: ShownVariable): z.infer<typeof variableSchema> {
  return {
    key,
    ...(value === undefined ? {} : { value }),
    is_secret: isSecret,
    last_updated_at: updatedAt.toISOString(),
  };
}
