import type { Deployment, DeploymentRecord } from '../deployment.js';
import { type KeptFunctionFile, resolveSettings, type SettingsDefaults } from '../settings.js';

/** Columns of a deployment under the names of `DeploymentRow`, from the table alias `d`. */
export const DEPLOYMENT_COLUMNS = `d.id, d.function_id, d.version, d.status, d.status_detail, d.sha256, d.size_bytes,
  d.blob_key, d.settings, d.created_at`;

export interface DeploymentRow {
  readonly id: string;
  readonly function_id: string;
  readonly version: number;
  readonly status: DeploymentRecord['status'];
  readonly status_detail: string | null;
  readonly sha256: string;
  /** bigint, which pg gives as text. */
  readonly size_bytes: string;
  readonly blob_key: string | null;
  readonly settings: KeptFunctionFile | null;
  readonly created_at: Date;
}

export function toDeployment(row: DeploymentRow, defaults: SettingsDefaults): DeploymentRecord {
  return {
    id: row.id,
    functionId: row.function_id,
    version: row.version,
    status: row.status,
    statusDetail: row.status_detail ?? undefined,
    sha256: row.sha256,
    sizeBytes: Number(row.size_bytes),
    blobKey: row.blob_key ?? undefined,
    settings: row.settings === null ? undefined : resolveSettings(row.settings, defaults),
    createdAt: row.created_at,
  };
}

/** Of a row with the status `ready`, which the table makes sure has all of it. */
export function toReadyDeployment(row: DeploymentRow, defaults: SettingsDefaults): Deployment {
  return toDeployment(row, defaults) as Deployment;
}
