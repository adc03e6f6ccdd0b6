import { useEffect, useState } from "react";
import { JsonTree } from "../parts/json_tree";
import { Result } from "../parts/result";
import { hrefTo } from "../parts/route";
import { useIsReady, useSession } from "../parts/session_context";
import { duration, timeOfDay } from "../parts/time";
import { type JobGroup, progressOf, type Worker } from "../rtvi/jobs";
import { short } from "../rtvi/json";
import { useStore } from "../rtvi/store";

/** Long actions: what they report, and how they end. */
export function JobsView({ item }: { item: string }) {
  const { jobs } = useSession();
  const groups = useStore(jobs.groups);
  return (
    <div className="jobs">
      <div className="view-head">
        <h1>Jobs</h1>
        <div className="view-actions">
          <button
            type="button"
            className="quiet"
            disabled={!groups.some((group) => group.endedAt !== undefined)}
            onClick={() => jobs.clearEnded()}
          >
            Clear ended
          </button>
        </div>
      </div>
      {item && !groups.some((group) => group.id === item) && (
        <p className="outcome">
          There is no job <code>{item}</code> here: it was cleared, or began before this page was loaded.{" "}
          <a href={hrefTo("jobs")}>All jobs</a>
        </p>
      )}
      {groups.length === 0 && <p className="empty">Nothing runs. Long actions show their progress here.</p>}
      <div className="cards">
        {groups.toReversed().map((group) => (
          <JobCard key={group.id} group={group} isChosen={group.id === item} />
        ))}
      </div>
    </div>
  );
}

function JobCard({ group, isChosen }: { group: JobGroup; isChosen: boolean }) {
  const session = useSession();
  const isReady = useIsReady();
  const isRunning = group.endedAt === undefined;
  return (
    <section className={`card job${isChosen ? " is-chosen" : ""}`} aria-labelledby={`job-${group.id}`}>
      <header className="card-head">
        <h2 id={`job-${group.id}`}>{group.label}</h2>
        <p className="muted">
          started {timeOfDay(group.startedAt)} · <Elapsed since={group.startedAt} until={group.endedAt} />
        </p>
        {isRunning && group.cancellable && (
          <button
            type="button"
            className="plain is-danger"
            disabled={!isReady || group.isCancelling}
            onClick={() => session.cancelJob(group.id)}
          >
            {group.isCancelling ? "Cancelling" : "Cancel"}
            <span className="visually-hidden"> {group.label}</span>
          </button>
        )}
        {isRunning && !group.cancellable && <span className="badge">cannot be cancelled</span>}
      </header>
      {group.workers.map((worker) => (
        <WorkerView key={worker.name} worker={worker} isAlone={group.workers.length === 1} />
      ))}
    </section>
  );
}

function WorkerView({ worker, isAlone }: { worker: Worker; isAlone: boolean }) {
  const progress = progressOf(worker);
  const last = worker.updates.at(-1);
  const isRunning = worker.status === "running";
  return (
    <div className="worker">
      <div className="worker-head">
        <code>{worker.name}</code>
        <span className={`badge is-${worker.status}`}>{worker.status}</span>
      </div>
      {isRunning && <progress aria-label={`progress of ${worker.name}`} max={1} value={progress} />}
      {isRunning && last && <p className="worker-now">{short(last.data, 160)}</p>}
      {worker.status !== "running" && worker.response !== undefined && (
        <div className="worker-result">
          <Result value={worker.response} />
        </div>
      )}
      {worker.updates.length > 0 && (
        <details open={isAlone && isRunning}>
          <summary>{worker.updates.length === 1 ? "1 update" : `${worker.updates.length} updates`}</summary>
          <ol className="updates">
            {worker.updates.toReversed().map((update, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: updates have no names
              <li key={index}>
                <time dateTime={new Date(update.at).toISOString()}>{timeOfDay(update.at, true)}</time>
                <JsonTree value={update.data} depth={0} />
              </li>
            ))}
          </ol>
        </details>
      )}
    </div>
  );
}

function Elapsed({ since, until }: { since: number; until: number | undefined }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (until !== undefined) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [until]);
  return <span>{duration(Math.max(0, (until ?? now) - since))}</span>;
}
