import { createContext, useContext } from "react";
import type { Session } from "../rtvi/session";
import { useStore } from "../rtvi/store";

const Context = createContext<Session | null>(null);

export const SessionProvider = Context.Provider;

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("there is no session around this component");
  return session;
}

/** Whether the bot can be asked right now. */
export function useIsReady(): boolean {
  return useStore(useSession().connection.link).phase === "ready";
}
