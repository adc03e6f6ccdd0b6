import { useSyncExternalStore } from "react";

/** A value that changes, and those who want to hear of it. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  readonly get = (): T => this.value;

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.value));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** The current value, in a component that is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Put an entry at the end of a list that keeps at most `limit`. */
export function appended<T>(list: readonly T[], entry: T, limit: number): T[] {
  const kept = list.length >= limit ? list.slice(list.length - limit + 1) : list.slice();
  kept.push(entry);
  return kept;
}
