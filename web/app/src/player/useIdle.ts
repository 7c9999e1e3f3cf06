import { useEffect, useRef, useState } from 'react';

const after = 2600;

/** Hides the controls from whoever just watches; never while paused. */
export function useIdle(needed: boolean) {
  const [resting, setResting] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  function wake() {
    clearTimeout(timer.current);
    setResting(false);
    timer.current = setTimeout(() => setResting(true), after);
  }

  function rest() {
    clearTimeout(timer.current);
    setResting(true);
  }

  useEffect(() => {
    timer.current = setTimeout(() => setResting(true), after);
    return () => clearTimeout(timer.current);
  }, []);

  return { idle: resting && !needed, wake, rest };
}
