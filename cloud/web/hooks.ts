import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api } from './api.ts';

/** The cloud's time (ms since 1970), anew every second. */
export function useNow(api: Api): number {
  const [now, setNow] = useState(() => api.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(api.now()), 1_000);
    return () => clearInterval(timer);
  }, [api]);
  return now;
}

/**
 * Runs `task` now, when the page comes back into view, and `period` ms after its last end; never twice at a time, and
 * never while nobody looks. `task` must not throw. Returns what runs it at once.
 */
export function usePolling(task: () => Promise<void>, period: number): () => void {
  const latestTask = useRef(task);
  latestTask.current = task;
  const latestPeriod = useRef(period);
  latestPeriod.current = period;
  const runNow = useRef(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isRunning = false;
    let isOver = false;
    const run = async (): Promise<void> => {
      clearTimeout(timer);
      if (isRunning || isOver || document.hidden) return;
      isRunning = true;
      await latestTask.current();
      isRunning = false;
      if (!isOver) timer = setTimeout(start, latestPeriod.current);
    };
    const start = (): void => void run();
    runNow.current = start;
    document.addEventListener('visibilitychange', start);
    window.addEventListener('online', start);
    start();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', start);
      window.removeEventListener('online', start);
    };
  }, []);
  return useRef(() => runNow.current()).current;
}
