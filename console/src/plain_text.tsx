import type { ReactNode } from "react";

/** Stands in for the form library's Markdown: a text is shown as it is, whatever is in it. */
export function Markdown({ children }: { children?: ReactNode }) {
  return <span>{children}</span>;
}
