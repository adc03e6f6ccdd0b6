import { useEffect, useState } from "react";

export const VIEWS = ["talk", "configure", "call", "jobs", "page", "wire"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View | "";
  /** What is shown within the view, such as an action. */
  item: string;
}

function read(): Route {
  const [view = "", ...rest] = window.location.hash.replace(/^#/, "").split("/");
  let item = "";
  try {
    item = decodeURIComponent(rest.join("/"));
  } catch {
    // Not an address of ours.
  }
  return { view: (VIEWS as readonly string[]).includes(view) ? (view as View) : "", item };
}

/** The address of a view, to be used in links. */
export function hrefTo(view: View, item = ""): string {
  return item ? `#${view}/${encodeURIComponent(item)}` : `#${view}`;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const listen = () => setRoute(read());
    window.addEventListener("hashchange", listen);
    return () => window.removeEventListener("hashchange", listen);
  }, []);
  return route;
}
