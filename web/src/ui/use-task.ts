import { useState } from 'react';
import { errorText } from '../error-text.ts';

/** Something that takes its time and may fail: whether it is under way, and what went wrong the last time, in words. */
export interface Task {
  readonly isBusy: boolean;
  readonly problem: string | undefined;
  readonly setProblem: (problem: string) => void;
  /** Does it; `textOf` says what went wrong. Never rejects. */
  run(work: () => Promise<void>, textOf?: (error: unknown) => string): Promise<void>;
}

/** A task of one component. */
export function useTask(): Task {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  async function run(work: () => Promise<void>, textOf: (error: unknown) => string = errorText) {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(textOf(error));
    } finally {
      setBusy(false);
    }
  }

  return { isBusy, problem, setProblem, run };
}
