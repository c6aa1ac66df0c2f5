/** One step of ending a child: a signal to it alone, and how long it may take to follow it. */
export interface EndStep {
  readonly signal: NodeJS.Signals;
  readonly patienceMs: number;
}

/** What a shell sets in the environment by itself; a child gets none of it. */
export const SET_BY_SHELLS = ['PWD', 'OLDPWD', 'SHLVL'];

/** What the system refuses a child that asks for more. One with limits leaves no core dump either. */
export interface ResourceLimits {
  /** Bytes of its heap and other writable memory; it fails as when the machine has no more. */
  readonly dataBytes?: number;
  /** Files, sockets and pipes that are open at a time. */
  readonly openFiles?: number;
  /** Bytes of one file that it writes. */
  readonly fileBytes?: number;
}

/** How often the watcher looks whether the child followed a signal; `sleep` of every system takes a tenth. */
const POLL_MS = 100;

/**
 * The shell script that runs `"$@"` beside a watcher, which reads descriptor 3. Its other end is ours, so that it ends
 * when this process does, however it ends: then, or when we close our side, the watcher goes through the steps, and kills
 * the group at last. Its process id is a line on descriptor 3; when the child has ended, by itself or not, its exit status
 * is another, and the rest of the group is killed: the shell itself, and what the child forked. Descriptor 4, where there is one, is the child's.
 */
export function supervisorScript(endBy: readonly EndStep[], limits?: ResourceLimits): string {
  const steps = endBy.map(({ signal, patienceMs }) => {
    const polls = Math.ceil(patienceMs / POLL_MS);
    return `kill -${signal.replace(/^SIG/, '')} "$p"; i=0
  while kill -0 "$p" && [ "$i" -lt ${polls} ]; do sleep ${POLL_MS / 1_000}; i=$((i + 1)); done`;
  });
  // SIGPIPE is ignored only after the child is there, which would inherit it.
  return `
(${limits === undefined ? '' : ulimits(limits)}unset ${SET_BY_SHELLS.join(' ')}; exec "$@") 3<&- &
p=$!
exec 4<&-
echo "$p" >&3
(
  read -r _ <&3
  ${[...steps, 'kill -KILL 0'].join('\n  ')}
) >/dev/null 2>&1 &
w=$!
exec >/dev/null 2>&1
trap '' PIPE
wait "$p"
r=$?
kill -KILL "$w"
wait "$w"
echo "$r" >&3
kill -KILL 0
`;
}

/** A core dump holds what the program knew, and fills the disk. */
function ulimits({ dataBytes, openFiles, fileBytes }: ResourceLimits): string {
  const lines = ['ulimit -c 0'];
  if (dataBytes !== undefined) lines.push(`ulimit -d ${Math.ceil(dataBytes / 1024)}`);
  if (openFiles !== undefined) lines.push(`ulimit -n ${openFiles}`);
  // POSIX counts blocks of 512 bytes.
  if (fileBytes !== undefined) lines.push(`ulimit -f ${Math.ceil(fileBytes / 512)}`);
  return `${lines.join('; ')}; `;
}
