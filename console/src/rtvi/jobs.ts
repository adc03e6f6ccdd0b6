import type { UIJobGroupData } from "@pipecat-ai/client-js";
import { isObject } from "./json";
import { appended, Store } from "./store";

export interface JobUpdate {
  at: number;
  data: unknown;
}

export interface Worker {
  name: string;
  status: string;
  updates: readonly JobUpdate[];
  response?: unknown;
}

/** One long action, or several side by side, as the bot reports on them. */
export interface JobGroup {
  id: string;
  label: string;
  cancellable: boolean;
  startedAt: number;
  endedAt?: number;
  isCancelling: boolean;
  workers: readonly Worker[];
}

const MOST_GROUPS = 100;
const MOST_UPDATES = 200;

export class Jobs {
  readonly groups = new Store<readonly JobGroup[]>([]);

  report(data: UIJobGroupData): void {
    switch (data.kind) {
      case "group_started": {
        const workers = (data.workers ?? []).map((name) => ({ name, status: "running", updates: [] }));
        const group: JobGroup = {
          id: data.job_id,
          label: data.label ?? workers.map((worker) => worker.name).join(", "),
          cancellable: data.cancellable ?? true,
          startedAt: data.at,
          isCancelling: false,
          workers,
        };
        this.groups.update((groups) => appended(groups, group, MOST_GROUPS));
        break;
      }
      case "job_update":
        this.changeWorker(data.job_id, data.worker_name, (worker) => ({
          ...worker,
          updates: appended(worker.updates, { at: data.at, data: data.data }, MOST_UPDATES),
        }));
        break;
      case "job_completed":
        this.changeWorker(data.job_id, data.worker_name, (worker) => ({
          ...worker,
          status: data.status,
          response: data.response,
        }));
        break;
      case "group_completed":
        this.change(data.job_id, (group) => ({ ...group, endedAt: data.at, isCancelling: false }));
        break;
    }
  }

  cancelling(id: string): void {
    this.change(id, (group) => ({ ...group, isCancelling: true }));
  }

  /** The connection has gone: whatever runs, this page will not hear of it again. */
  lost(): void {
    this.groups.update((groups) =>
      groups.map((group) => {
        if (group.endedAt !== undefined) return group;
        const workers = group.workers.map((one) => (one.status === "running" ? { ...one, status: "lost" } : one));
        return { ...group, endedAt: Date.now(), isCancelling: false, workers };
      }),
    );
  }

  clearEnded(): void {
    this.groups.update((groups) => groups.filter((group) => group.endedAt === undefined));
  }

  private change(id: string, change: (group: JobGroup) => JobGroup): void {
    this.groups.update((groups) => groups.map((group) => (group.id === id ? change(group) : group)));
  }

  private changeWorker(id: string, name: string, change: (worker: Worker) => Worker): void {
    this.change(id, (group) => ({
      ...group,
      workers: group.workers.map((worker) => (worker.name === name ? change(worker) : worker)),
    }));
  }
}

/** How far a worker says it is, from 0 to 1, where its updates tell in a way that is easy to guess; else undefined. */
export function progressOf(worker: Worker): number | undefined {
  const data = worker.updates.at(-1)?.data;
  if (!isObject(data)) return undefined;
  const number = (...names: string[]) => names.map((name) => data[name]).find((value) => typeof value === "number");
  const share = number("progress", "fraction");
  if (typeof share === "number") return clamp(share > 1 ? share / 100 : share);
  const percent = number("percent", "percentage");
  if (typeof percent === "number") return clamp(percent / 100);
  const [done, total] = [number("done", "step", "completed", "current"), number("total", "steps", "of")];
  return typeof done === "number" && typeof total === "number" && total > 0 ? clamp(done / total) : undefined;
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}
