import { useEffect, useRef, useState } from "react";
import { CallIcon, ConfigureIcon, JobsIcon, MoonIcon, PageIcon, SunIcon, TalkIcon, WireIcon } from "./parts/icons";
import { Notices, Toasts } from "./parts/notices";
import { hrefTo, NAMES, useRoute, VIEWS, type View } from "./parts/route";
import { useSession } from "./parts/session_context";
import { ConnectionBanner, Status } from "./parts/status";
import { useTheme } from "./parts/theme";
import type { JsonObject } from "./rtvi/json";
import { useStore } from "./rtvi/store";
import { CallView } from "./views/call";
import { ConfigureView } from "./views/configure";
import { JobsView } from "./views/jobs";
import { PageView } from "./views/page";
import { StartForm } from "./views/start_form";
import { TalkView } from "./views/talk";
import { UnknownView } from "./views/unknown";
import { WireView } from "./views/wire";

const ICONS: { [view in View]: () => React.ReactNode } = {
  talk: TalkIcon,
  configure: ConfigureIcon,
  call: CallIcon,
  jobs: JobsIcon,
  page: PageIcon,
  wire: WireIcon,
};

/** The whole page: who the bot is, the views, and the one that is open. */
export function App() {
  const session = useSession();
  const { bot } = useStore(session.description);
  const link = useStore(session.connection.link);
  const isDescribed = useStore(session.isDescribed);
  const route = useRoute();
  const { view } = route;
  const [drafts, setDrafts] = useState<{ [service: string]: JsonObject }>({});
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    const name = view ? NAMES[view] : "Nothing at this address";
    document.title = [name, bot, "console"].filter(Boolean).join(" · ");
  }, [view, bot]);
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
      <main id="main" ref={main} tabIndex={-1} className={`main is-${view ?? "unknown"}`}>
        <ConnectionBanner />
        <Notices />
        {link.phase === "asking" && <StartForm fault={link.text} />}
        {view === undefined && <UnknownView address={route.address} />}
        {(link.phase !== "asking" || isDescribed) && (
          <>
            {view === "talk" && <TalkView />}
            {view === "configure" && <ConfigureView drafts={drafts} setDrafts={setDrafts} />}
            {view === "call" && <CallView item={route.item} />}
            {view === "jobs" && <JobsView item={route.item} />}
            {view === "page" && <PageView />}
            {view === "wire" && <WireView />}
          </>
        )}
      </main>
      <Toasts />
    </div>
  );
}

function Side({ view }: { view: View | undefined }) {
  const session = useSession();
  const told = useStore(session.description);
  const listed = useStore(session.connection.listed);
  const isAsking = useStore(session.connection.link).phase === "asking";
  // Before a session, the server says who its bot is.
  const { bot, description } = isAsking && !told.bot && listed ? listed : told;
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
          {VIEWS.map((target) => {
            const Icon = ICONS[target];
            const [count, word] = counts[target] ?? [0, ""];
            return (
              <li key={target}>
                <a href={hrefTo(target)} aria-current={target === view ? "page" : undefined}>
                  <Icon />
                  <span>{NAMES[target]}</span>
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
