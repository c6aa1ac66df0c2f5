/** Who may call a function. `users` are the signed-in ones; the operator may call each. */
export const ACCESS = ['public', 'users', 'operator'] as const;
/** One of `ACCESS`. */
export type Access = (typeof ACCESS)[number];

/** What `function.json` says of a deployment, with the defaults of what it does not say. */
export interface DeploymentSettings {
  /** Path of the module in the bundle. */
  readonly entry: string;
  readonly access: Access;
  readonly limits: {
    /** Milliseconds from the call to the end of its answer; for a stream, of each. */
    readonly timeoutMs: number;
    readonly memoryMb: number;
    readonly maxBodyInMb: number;
    readonly maxBodyOutMb: number;
  };
  readonly concurrency: {
    /** Processes of this function on one server. */
    readonly maxInstances: number;
    /** Calls of this function that run on one server at a time. */
    readonly maxConcurrency: number;
  };
  /** Whether the handler sees the `Authorization` of its caller. */
  readonly forwardAuthorization: boolean;
  /** Whether it gets a token of its own, `ctx.token`. */
  readonly service: boolean;
}

/** What can become of a deployment: `pending` until its bundle was built and imported once. */
export const STATUSES = ['pending', 'ready', 'failed'] as const;

/** One version of a function's code. */
export interface Deployment {
  readonly id: string;
  readonly functionId: string;
  /** Counted up from 1 within the function. */
  readonly version: number;
  readonly status: (typeof STATUSES)[number];
  /** Why it failed. */
  readonly statusDetail: string | undefined;
  /** Of the archive as it came; lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly blobKey: string;
  readonly settings: DeploymentSettings;
  readonly createdAt: Date;
}

/** A deployment in any state: one that is not ready may lack what a ready one has. */
export interface DeploymentRecord extends Omit<Deployment, 'blobKey' | 'settings'> {
  /** Undefined of one that failed: its bundle is not kept. */
  readonly blobKey: string | undefined;
  /** Undefined until the bundle was unpacked. */
  readonly settings: DeploymentSettings | undefined;
}

/** A function, and which of its deployments answers. */
export interface FunctionRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly currentDeploymentId: string | undefined;
  readonly currentVersion: number | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a call needs to know of a function. */
export interface LiveFunction {
  readonly id: string;
  readonly name: string;
  /** The promoted one; undefined before the first. */
  readonly deployment: Deployment | undefined;
  /** Rises with each change of a variable. */
  readonly environmentRevision: number;
}
