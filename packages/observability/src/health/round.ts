import type { CapabilityName, HealthResult } from '@reactor/core';

/** Where this process stands: only `ready` takes traffic. */
export type ServerPhase = 'starting' | 'ready' | 'draining';

/** What each capability answered in one round. */
export type HealthRound = ReadonlyMap<CapabilityName, HealthResult>;
