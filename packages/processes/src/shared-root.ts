/**
 * Where a server run by root keeps what another account must reach and cannot reach where it belongs: copies of programs,
 * and folders whose state directory that account cannot enter.
 */
export const SHARED_ROOT = '/var/lib/reactor';
