import type { Capability, CapabilityContext, DoctorReport } from '@reactor/core';
import {
  type AnswerHeaders,
  createAnswerHeaders,
  createHealth,
  createMetrics,
  type Fetch,
  type Health,
  type HttpInstrumentation,
  instrumentHttp,
  type Logging,
  type Metrics,
  nodeMetrics,
  runDoctor,
  type ServerPhase,
  serverInfo,
} from '@reactor/observability';
import type { AdminGate } from '../admin/gate.js';
import type { MigrationActions } from '../admin/migrate.js';
import { type Composition, compose } from '../compose.js';
import type { Settings } from '../config/settings.js';
import { doctorSubjects } from '../doctor-subjects.js';
import { applyMigrations, tryMigrations } from '../migrations.js';
import type { Platform } from '../platform.js';
import { serverVersion } from '../version.js';

export interface SurfaceOptions {
  readonly settings: Settings;
  readonly logging: Logging;
  readonly context: CapabilityContext;
  readonly gate: AdminGate;
  /** Asked for by `POST /_admin/shutdown`. */
  readonly shutdown: () => void;
}

/**
 * What can be seen of the server from outside: its signals, and the app that answers. It is there before what it shows, so
 * that a client that looks early sees a server that starts.
 */
export class Surface {
  readonly version = serverVersion();
  readonly metrics: Metrics;
  readonly answerHeaders: AnswerHeaders;
  readonly instrumentation: HttpInstrumentation;
  phase: ServerPhase = 'starting';
  readonly #options: SurfaceOptions;
  readonly #health: Health;
  #platform: Platform | undefined;
  #mounted: readonly Capability[] = [];
  #composition: Composition;
  #diagnosis: Promise<DoctorReport> | undefined;

  constructor(options: SurfaceOptions) {
    const { settings, logging, context } = options;
    this.#options = options;
    this.metrics = createMetrics(context);
    this.answerHeaders = createAnswerHeaders(settings.config.publicUrl);
    this.instrumentation = instrumentHttp({
      ...context,
      capabilities: settings.loaded.capabilities,
      trustedProxies: settings.config.trustedProxies,
      headers: this.answerHeaders,
    });
    this.#health = createHealth({ ...context, capabilities: () => this.#mounted, phase: () => this.phase });
    this.metrics.contribute('server', serverInfo(this.version, context.clock));
    this.metrics.contribute('process', nodeMetrics());
    this.metrics.contribute('http', this.instrumentation.metrics);
    this.metrics.contribute('health', this.#health.metrics);
    this.metrics.contribute('logs', logging.metrics);
    this.#composition = this.#compose(false);
  }

  readonly fetch: Fetch = (request, bindings) => this.#composition.fetch(request, bindings);

  /** From now on the doctor looks at the database and at the capabilities that are being started. */
  show(platform: Platform): void {
    this.#platform = platform;
    this.metrics.contribute('database', platform.database.metrics);
    if (platform.blobs !== undefined) this.metrics.contribute('blobs', platform.blobs.metrics);
    if (platform.embedded !== undefined) this.metrics.contribute('embedded database', platform.embedded.metrics);
  }

  /** Everything has started: their routes answer. */
  mount(capabilities: readonly Capability[]): void {
    this.#mounted = capabilities;
    this.#composition = this.#compose(true);
    this.phase = 'ready';
  }

  #compose(ready: boolean): Composition {
    const { settings, logging, gate, shutdown } = this.#options;
    return compose({
      config: settings.config,
      logging,
      metrics: this.metrics,
      health: this.#health,
      instrumentation: this.instrumentation,
      gate,
      version: this.version,
      capabilities: this.#mounted,
      ready,
      diagnose: () => this.#diagnose(),
      ...(this.#platform === undefined ? {} : { migrations: migrationsOf(this.#platform, logging) }),
      shutdown,
    });
  }

  /** Callers that look at once share one run: each run takes connections that the others would wait for. */
  #diagnose(): Promise<DoctorReport> {
    const { settings, context } = this.#options;
    this.#diagnosis ??= runDoctor(doctorSubjects(settings, this.#platform), context).finally(() => {
      this.#diagnosis = undefined;
    });
    return this.#diagnosis;
  }
}

function migrationsOf(platform: Platform, logging: Logging): MigrationActions {
  return { apply: () => applyMigrations(platform, logging), dryRun: () => tryMigrations(platform) };
}
