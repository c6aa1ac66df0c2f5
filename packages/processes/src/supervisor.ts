/** One step of ending a child: a signal to it alone, and how long it may take to follow it. */
export interface EndStep {
  readonly signal: NodeJS.Signals;
  readonly patienceMs: number;
}

/** What a shell sets in the environment by itself; a child gets none of it. */
export const SET_BY_SHELLS = ['PWD', 'OLDPWD', 'SHLVL'];

/** How often the watcher looks whether the child followed a signal; `sleep` of every system takes a tenth. */
const POLL_MS = 100;

/**
 * The shell script that runs `"$@"` beside a watcher, which reads descriptor 3. Its other end is ours, so that it ends
 * when this process does, however it ends: then, or when we close our side, the watcher goes through the steps, and kills
 * the group at last. When the child has ended, by itself or not, its exit status is written to descriptor 3 and the rest
 * of the group is killed: the shell itself, and what the child forked.
 */
export function supervisorScript(endBy: readonly EndStep[]): string {
  const steps = endBy.map(({ signal, patienceMs }) => {
    const polls = Math.ceil(patienceMs / POLL_MS);
    return `kill -${signal.replace(/^SIG/, '')} "$p"; i=0
  while kill -0 "$p" && [ "$i" -lt ${polls} ]; do sleep ${POLL_MS / 1_000}; i=$((i + 1)); done`;
  });
  // SIGPIPE is ignored only after the child is there, which would inherit it.
  return `
(unset ${SET_BY_SHELLS.join(' ')}; exec "$@") 3<&- &
p=$!
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
