import { useEffect, useRef, useState } from "react";
import { CallIcon, ConfigureIcon, JobsIcon, MoonIcon, PageIcon, SunIcon, TalkIcon, WireIcon } from "./parts/icons";
import { Notices, Toasts } from "./parts/notices";
import { hrefTo, useRoute, type View } from "./parts/route";
import { useSession } from "./parts/session_context";
import { ConnectionBanner, Status } from "./parts/status";
import { useTheme } from "./parts/theme";
import type { JsonObject } from "./rtvi/json";
import { useStore } from "./rtvi/store";
import { CallView } from "./views/call";
import { ConfigureView } from "./views/configure";
import { JobsView } from "./views/jobs";
import { PageView } from "./views/page";
import { TalkView } from "./views/talk";
import { WireView } from "./views/wire";

const TABS: { view: View; name: string; Icon: () => React.ReactNode }[] = [
  { view: "talk", name: "Talk", Icon: TalkIcon },
  { view: "configure", name: "Configure", Icon: ConfigureIcon },
  { view: "call", name: "Call", Icon: CallIcon },
  { view: "jobs", name: "Jobs", Icon: JobsIcon },
  { view: "page", name: "Page", Icon: PageIcon },
  { view: "wire", name: "Wire", Icon: WireIcon },
];

/** The whole page: who the bot is, the views, and the one that is open. */
export function App() {
  const session = useSession();
  const { bot } = useStore(session.description);
  const route = useRoute();
  const view = route.view || "talk";
  const [drafts, setDrafts] = useState<{ [service: string]: JsonObject }>({});
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = bot ? `${bot} · console` : "Console";
  }, [bot]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view begins at its top
  useEffect(() => {
    main.current?.scrollTo({ top: 0 });
  }, [view]);
  return (
    <div className="shell">
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Side view={view} />
      <main id="main" ref={main} tabIndex={-1} className={`main is-${view}`}>
        <ConnectionBanner />
        <Notices />
        {view === "talk" && <TalkView />}
        {view === "configure" && <ConfigureView drafts={drafts} setDrafts={setDrafts} />}
        {view === "call" && <CallView item={route.item} />}
        {view === "jobs" && <JobsView item={route.item} />}
        {view === "page" && <PageView />}
        {view === "wire" && <WireView />}
      </main>
      <Toasts />
    </div>
  );
}

function Side({ view }: { view: View }) {
  const session = useSession();
  const { bot, description } = useStore(session.description);
  const [theme, toggleTheme] = useTheme();
  const running = useStore(session.jobs.groups).filter((group) => group.endedAt === undefined).length;
  const waiting = useStore(session.functions.calls).filter((call) => call.state === "waiting").length;
  const counts: { [view: string]: [number, string] } = { jobs: [running, "running"], page: [waiting, "waiting"] };
  return (
    <header className="side">
      <div className="side-bot">
        <p className="side-name">{bot || "Bot"}</p>
        {description && <p className="side-text">{description}</p>}
      </div>
      <nav aria-label="views">
        <ul className="tabs">
          {TABS.map(({ view: target, name, Icon }) => {
            const [count, word] = counts[target] ?? [0, ""];
            return (
              <li key={target}>
                <a href={hrefTo(target)} aria-current={target === view ? "page" : undefined}>
                  <Icon />
                  <span>{name}</span>
                  {count > 0 && (
                    <span className="count">
                      {count}
                      <span className="visually-hidden"> {word}</span>
                    </span>
                  )}
                </a>
              </li>
            );
          })}
        </ul>
      </nav>
      <div className="side-foot">
        <Status />
        <button
          type="button"
          className="icon"
          aria-label={theme === "dark" ? "use light colours" : "use dark colours"}
          onClick={toggleTheme}
        >
          {theme === "dark" ? <SunIcon /> : <MoonIcon />}
        </button>
      </div>
    </header>
  );
}
