import { useEffect, useState } from "react";

export const VIEWS = ["talk", "configure", "call", "jobs", "page", "wire"] as const;
export type View = (typeof VIEWS)[number];

/** The views that can show one thing of many. */
const WITH_ITEMS: ReadonlySet<View> = new Set<View>(["call", "jobs"]);

export const NAMES: { [view in View]: string } = {
  talk: "Talk",
  configure: "Configure",
  call: "Call",
  jobs: "Jobs",
  page: "Page",
  wire: "Wire",
};

export interface Route {
  /** undefined: the address is none of this page. */
  view: View | undefined;
  /** What is shown within the view, such as an action. */
  item: string;
  /** What the address says behind the `#`. */
  address: string;
}

/** Read the part of an address behind the `#`; without any it is that of the conversation. */
export function readRoute(hash: string): Route {
  const address = hash.replace(/^#/, "");
  const [name = "", ...rest] = address.split("/");
  const item = decoded(rest.join("/"));
  const view = address === "" ? "talk" : VIEWS.find((one) => one === name);
  if (view === undefined || item === undefined || (item && !WITH_ITEMS.has(view))) {
    return { view: undefined, item: "", address: decoded(address) ?? address };
  }
  return { view, item, address };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The address of a view, to be used in links. */
export function hrefTo(view: View, item = ""): string {
  return item ? `#${view}/${encodeURIComponent(item)}` : `#${view}`;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(window.location.hash));
  useEffect(() => {
    const listen = () => setRoute(readRoute(window.location.hash));
    window.addEventListener("hashchange", listen);
    return () => window.removeEventListener("hashchange", listen);
  }, []);
  return route;
}
