import { useSession } from "../parts/session_context";
import { useStore } from "../rtvi/store";

/** Said as long as the bot has not told what it is: it may still do so, or the page has no way to it. */
export function NotDescribed() {
  const { phase } = useStore(useSession().connection.link);
  const isOnItsWay = ["starting", "connecting", "waiting", "ready"].includes(phase);
  return (
    <p className="empty">
      {isOnItsWay ? "Waiting for the bot to describe itself." : "Not connected: what the bot can do is not known yet."}
    </p>
  );
}
