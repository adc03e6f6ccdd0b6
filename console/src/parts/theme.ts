import { useEffect, useState } from "react";

export type Theme = "light" | "dark";

const KEY = "rtvi-console-theme";

function kept(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

/** The theme: that of the system, until somebody chooses. */
export function useTheme(): [Theme, () => void] {
  const [chosen, setChosen] = useState(kept);
  const [system, setSystem] = useState<Theme>(() =>
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
  );
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const listen = () => setSystem(query.matches ? "dark" : "light");
    query.addEventListener("change", listen);
    return () => query.removeEventListener("change", listen);
  }, []);
  const theme = chosen ?? system;
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const toggle = () => {
    const next = theme === "dark" ? "light" : "dark";
    setChosen(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Then it lasts as long as the page.
    }
  };
  return [theme, toggle];
}
